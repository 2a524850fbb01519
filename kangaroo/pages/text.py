"""Numbers and the values of a model's card as a reader would write them."""

from collections.abc import Mapping, Sequence
from typing import Any


def percent(share: float | None) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def decimal(value: float | None) -> str:
    """A number with three decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def kilometres(km: float) -> str:
    """A distance with three digits, or all those before the point."""
    return f"{km:,.0f}" + "\N{NO-BREAK SPACE}km" if km >= 100 else f"{km:.3g}" + "\N{NO-BREAK SPACE}km"


def words(name: str) -> str:
    """The name of a key, or of a file, without underscores."""
    return name.replace("_", " ")


def short(value: str) -> str:
    """A number of a CSV file without digits that nobody reads."""
    return f"{float(value):.4g}" if "." in value else value


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows of a table: what, and its value."""
    return [(words(name), text(value)) for name, value in values.items()]


def text(value: Any) -> str:
    """A value of a card."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name} ({text(inner)})" if isinstance(inner, Mapping) else f"{name}: {text(inner)}"
            for name, inner in value.items()
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(text, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
