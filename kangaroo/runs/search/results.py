"""What a search came to: a table of its trials, the best settings, figures."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kangaroo.errors import DataError
from kangaroo.files import atomic, write_json
from kangaroo.plots import search as plots
from kangaroo.plots.style import save
from kangaroo.runs.search.settings import METRICS, SearchSettings
from kangaroo.runs.search.study import attempts, ranking

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

ENOUGH = 10  # finished trials: of fewer the importance of settings is a guess
LONGER = 4  # times the epochs of a trial, for the network to keep: 10 and 40 in 'CNN plays GeoGuessr'
STATES = {
    "COMPLETE": "finished",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
}


@dataclass(frozen=True)
class SearchFindings:
    """``table`` has a row a trial, ``best`` is that of best.json, ``stems`` name the figures."""

    table: pd.DataFrame
    best: Mapping[str, Any]
    stems: tuple[str, ...]


def leave(settings: SearchSettings, study: "Study") -> SearchFindings:
    """Write trials.csv, best.json and figures: all but the page.

    Raises DataError if no trial has a value.
    """
    table, order = _table(settings, study), ranking(study)
    with atomic(settings.out / "trials.csv") as temporary:
        table.to_csv(temporary, index=False)
    if not order:
        reasons = [reason for reason in table["reason"] if reason]
        why = f" (the last one: {reasons[-1]})" if reasons else ""
        raise DataError(f"not one of {len(table)} trials finished{why}: look into {settings.out / 'trials'}")
    best = _best(settings, study, table, order)
    write_json(settings.out / "best.json", best)
    return SearchFindings(table, best, tuple(_draw(settings, table, best)))


def sentence(best: Mapping[str, Any]) -> str:
    """Which trial did best, how well, and with what."""
    found = ", ".join(f"{name} {value}" for name, value in best["settings"].items())
    return f"Trial {best['trial']} did best: {best['metric']} {best['value']:.4f} with {found}."


def text(settings: SearchSettings, best: Mapping[str, Any]) -> str:
    """The summary for the console."""
    lines = [_counts(best), sentence(best)]
    if shares := best["importance"]:
        parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
        lines.append(f"of the differences between trials the settings explain: {parts}")
    notes = [f"note: {warning}" for warning in best["warnings"]]
    look = f"look at {settings.out / 'report.html'}"
    return "\n".join([*lines, *notes, f"train it longer: {best['command']}", look])


def _table(settings: SearchSettings, study: "Study") -> pd.DataFrame:
    """One row a trial: what trials.csv holds."""
    table = pd.DataFrame([_row(settings, n, trial) for n, trial in attempts(study).items()])
    values = table["value"].astype(float)
    so_far = values.cummax() if METRICS[settings.metric].direction == "maximize" else values.cummin()
    table.insert(3, "best", so_far.ffill())
    return table


def _row(settings: SearchSettings, number: int, trial: "FrozenTrial") -> dict[str, Any]:
    kept = trial.user_attrs
    return {
        "trial": number,
        "state": STATES[trial.state.name],
        "value": trial.value if trial.state.name == "COMPLETE" else None,
        **{d.name: d.shown(trial.params[d.name]) for d in settings.space if d.name in trial.params},
        "epochs": len(trial.intermediate_values),
        "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else None,
        "folder": kept.get("folder", ""),
        "reason": kept.get("reason", ""),
    }


def _best(settings: SearchSettings, study: "Study", table: pd.DataFrame, order: list[int]) -> dict[str, Any]:
    """What best.json holds; ``order`` are the numbers of the trials with a value, the best first."""
    trial = attempts(study)[order[0]]
    kept, words = trial.user_attrs, settings.words(trial.params)
    if "epochs" not in trial.params:
        words += ["--epochs", str(LONGER * settings.epochs)]
    best = {
        "experiment": settings.experiment,
        "metric": settings.metric,
        "value": trial.value,
        "ci95": kept["ci95"],
        "trial": order[0],
        "settings": {d.name: d.shown(trial.params[d.name]) for d in settings.space},
        "folder": kept["folder"],
        "n": kept["n"],
        "subject": "drawn scenes" if kept["drawn"] else "photos",
        "trials": {s: n for s in STATES.values() if (n := int((table["state"] == s).sum()))},
        "importance": _importance(study, len(order)),
        "command": shlex.join(
            ["python", "-m", f"experiments.{settings.experiment}", *settings.flags, *words]
        ),
    }
    return {**best, "warnings": _warnings(best, table)}


def _importance(study: "Study", finished: int) -> dict[str, float]:
    """The share of the explained variance of each setting, the largest first; empty if nothing can be said.

    Hutter, Hoos and Leyton-Brown, 'An Efficient Approach for Assessing Hyperparameter Importance' (2014).
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    if finished < ENOUGH:
        return {}
    try:
        shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    except RuntimeError:  # the trials don't differ
        return {}
    done = [trial.distributions for trial in study.get_trials(deepcopy=False) if trial.value is not None]
    return {name: share for name, share in shares.items() if not done[0][name].single()}


def _warnings(best: Mapping[str, Any], table: pd.DataFrame) -> list[str]:
    """What to keep in mind of the best value."""
    finished = table["value"].dropna()
    found = [
        f"the best of {len(finished)} was chosen on the same {best['n']:,} validation {best['subject']} that "
        "it is judged on, which flatters it: --split with a test side gives a figure that nobody chose"
    ]
    if best["ci95"]:
        low, high = best["ci95"]
        alike = int((finished >= low).sum())
        if alike > 1:
            found.append(
                f"{alike} of {len(finished)} trials lie within the 95 % interval of the best, {low:.3f} to "
                f"{high:.3f}: which of them is first is partly chance"
            )
    if failed := best["trials"].get("failed"):
        found.append(f"{failed} of {len(table)} trials failed; trials.csv has the reasons")
    return found


def _counts(best: Mapping[str, Any]) -> str:
    counts = best["trials"]
    parts = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{sum(counts.values())} trials of experiments.{best['experiment']}: {parts}"


def _draw(settings: SearchSettings, table: pd.DataFrame, best: Mapping[str, Any]) -> list[str]:
    """Write every figure of the search as figures/*.png; give their stems, in the order of the page."""
    value = METRICS[settings.metric].label
    done = table[table["value"].notna()]
    about: dict[str, Any] = {"subject": f"finished trials on {best['subject']}", "n": len(done)}
    scales = {d.name: d.scale for d in settings.space if len(set(done[d.name])) > 1}
    figures: dict[str, Any] = {"history": plots.history(table, value, **about).figure}
    if best["importance"]:
        figures["importance"] = plots.importances(best["importance"], **about).figure
    if scales:
        done = done.assign(is_best=done["trial"] == best["trial"])
        figures["slices"] = plots.slices(done, scales, value, **about)
    for stem, figure in figures.items():
        save(figure, settings.out / "figures" / f"{stem}.png")
    return list(figures)
