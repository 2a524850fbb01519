"""What training sees of photos."""

from collections.abc import Sequence
from dataclasses import fields

from matplotlib.figure import Figure

from kangaroo.data.augmentation import Augmentation
from kangaroo.data.images import Pixels
from kangaroo.plots.style import TITLE, WIDTH, headline, label, new_figure


def preview(
    originals: Sequence[Pixels],
    augmented: Sequence[Sequence[Pixels]],
    settings: Augmentation,
    *,
    subject: str = "photos",
) -> Figure:
    """A row a photo (uint8, H x W x 3): as it is, then as often as the others changed by ``settings``."""
    columns = 1 + len(augmented[0])
    width = 1.6 * WIDTH
    figure = new_figure(len(originals) * width / columns + 0.9, width)
    axes = figure.subplots(len(originals), columns, squeeze=False)
    for line, original, changed in zip(axes, originals, augmented, strict=True):
        for ax, picture in zip(line, (original, *changed), strict=True):
            ax.imshow(picture)
            ax.set_axis_off()
    for ax, text in zip(axes[0], ("as it is", "in training"), strict=False):
        ax.set_title(text, fontsize=9)
    title = headline("Pictures as training sees them", subject, len(originals))
    figure.suptitle(f"{title}\n{label(_words(settings), 80)}", fontsize=TITLE)
    return figure


def _words(settings: Augmentation) -> str:
    """What is on: 'flip 0.5, crop 0.08 to 1, rotation 5°'."""
    words = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value != field.default:
            numbers = value if isinstance(value, Sequence) else (value,)
            unit = "°" if field.name == "rotation" else ""
            words.append(f"{field.name.replace('_', ' ')} {' to '.join(f'{n:g}' for n in numbers)}{unit}")
    return ", ".join(words) or "nothing changes"
