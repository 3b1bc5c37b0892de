"""Numbers as a report writes them: AP with three decimals, a true minus sign, millions, and intervals."""

from __future__ import annotations

from search_space.display import written_difference

MINUS, TIMES, DASH = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"


def ap(value: float | None) -> str:
    """An AP: `0.329`; a dash for None."""
    return DASH if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """A difference of APs with its sign: `+0.004`; a dash for None."""
    return DASH if value is None else f"{value:+z.3f}".replace("-", MINUS)


def change(ratio: float | None) -> str:
    """A cost over that of the baseline as its change: `-20 %`, with a true minus sign; a dash for None."""
    return DASH if ratio is None else f"{100 * (ratio - 1):+z.0f} %".replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """An interval of a difference: `+0.001 to +0.007`; a dash for None."""
    return DASH if low is None or high is None else f"{signed(low)} to {signed(high)}"


def millions(count: float, digits: int = 1) -> str:
    """A count in millions, without the unit: `1,234.5`."""
    return f"{count / 1e6:,.{digits}f}"


def difference(one: float, other: float) -> str:
    """The difference of two APs as they are written, so that a reader who subtracts finds the same."""
    return signed(written_difference(one, other))
