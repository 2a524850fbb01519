"""``kangaroo data``: from raw photos to a data set that is clean, balanced, split without leaks."""

from kangaroo.commands.data import (
    balance,
    check,
    download,
    fetch,
    import_,
    lock,
    regions,
    show,
    split,
    verify,
)

SUMMARY = "make a data set: import, check, balance and split photos"
EXAMPLE = "kangaroo data split photos --validation 0.2 --test 0.1 --min-gap-km 1 --out split.csv"
COMMANDS = {
    "download": download,
    "import": import_,
    "check": check,
    "regions": regions,
    "balance": balance,
    "split": split,
    "lock": lock,
    "verify": verify,
    "fetch": fetch,
    "show": show,
}
