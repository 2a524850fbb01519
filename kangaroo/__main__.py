"""``python -m kangaroo`` is the console script ``kangaroo``."""

import sys

from kangaroo.cli import main

sys.exit(main())
