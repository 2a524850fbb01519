"""The work of a search: trial after trial, until as many are finished as there are to be."""

import shlex
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from kangaroo.progress import progress
from kangaroo.runs.search.settings import BEST, METRICS, SearchSettings
from kangaroo.runs.search.study import again, attempts, first_attempt, ranking
from kangaroo.runs.search.trial import TrialFailedError, borrowed, command, drop_models, figures, run_trial

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial


def work(settings: SearchSettings, study: "Study") -> None:
    """Run trials until enough are finished, by this worker or by others; wait for others where it must."""
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    since = None  # when this worker began to wait for others
    bar: tqdm[Any] = progress((), "search", settings.trials, "trial")
    bar.leave = False  # each trial has its own line
    with bar:
        while True:
            fail_stale_trials(study)
            trials = attempts(study).values()
            finished = sum(trial.state.is_finished() for trial in trials)
            bar.update(finished - bar.n)
            if finished >= settings.trials:
                return
            if len(trials) < settings.trials or any(t.state == TrialState.WAITING for t in trials):
                since = None
                _one(settings, study)
            else:
                since = since or time.monotonic()
                if time.monotonic() - since > settings.grace:
                    _end_unborn(study)
                bar.set_postfix_str(f"waiting for {len(trials) - finished} of other workers")
                time.sleep(1)


def _one(settings: SearchSettings, study: "Study") -> None:
    study.optimize(
        partial(_run, settings), n_trials=1, catch=(TrialFailedError,), callbacks=[partial(_ended, settings)]
    )


def _run(settings: SearchSettings, trial: "Trial") -> float:
    """Run a trial and give its value; TrialFailedError if it has none, optuna.TrialPruned if it was ended."""
    from optuna import TrialPruned
    from optuna.exceptions import UpdateFinishedTrialError

    study = trial.study
    number = next(n for n, last in attempts(study).items() if first_attempt(last) == first_attempt(trial))
    if number > settings.trials:  # two workers began the last one at the same moment
        trial.set_user_attr("surplus", True)
        raise TrialFailedError("one too many")
    study.sampler = _sampler(settings, number)
    words = settings.words({dimension.name: dimension.suggest(trial) for dimension in settings.space})
    folder = settings.out / "trials" / f"{number:04d}"
    trial.set_user_attr("folder", folder.as_posix())
    try:
        found = _train(settings, trial, folder, words)
    except TrialFailedError as error:
        trial.set_user_attr("reason", str(error))
        raise
    except (TrialPruned, UpdateFinishedTrialError):  # the latter: it was given to another worker
        raise
    except BaseException:  # the search ends, not the trial
        again(study, study.get_trials(deepcopy=False)[trial.number])
        raise
    for name in ("n", "drawn", "ci95"):
        trial.set_user_attr(name, found[name])
    return float(found["value"])


def _train(settings: SearchSettings, trial: "Trial", folder: Path, words: list[str]) -> dict[str, Any]:
    """Run the experiment, or what is left of it where an earlier attempt was killed; give its figures."""
    epochs = int(trial.params.get("epochs", settings.epochs))
    if "epochs" not in trial.params:
        words = [*words, "--epochs", str(epochs)]
    words = [*settings.flags, *words, "--out", str(folder), "--resume"]
    own = trial.params.keys() & {"scenes", "seed"}  # they decide which scenes are drawn
    with borrowed(folder / "scenes", None if own else settings.out / "scenes"):
        run_trial(command(settings.experiment, words), folder, trial, METRICS[settings.metric], epochs)
    return figures(folder, settings.metric)


def _sampler(settings: SearchSettings, number: int) -> "BaseSampler":
    """A sampler for one trial: what it draws does not depend on who runs the trial, or how often."""
    from optuna import samplers

    kind = samplers.RandomSampler if settings.sampler == "random" else samplers.TPESampler
    return kind(seed=int(np.random.SeedSequence([settings.seed, number]).generate_state(1)[0]))


def _ended(settings: SearchSettings, study: "Study", trial: "FrozenTrial") -> None:
    """Say how a trial of this worker ended, and remove the models that are not among the best any more."""
    if trial.user_attrs.get("surplus"):
        return
    trials, best = attempts(study), ranking(study)
    number = next(n for n, last in trials.items() if last.number == trial.number)
    words = shlex.join(settings.words(trial.params))
    so_far = f"; best {trials[best[0]].value:.4f}, trial {best[0]}" if best else ""
    seconds = trial.duration.total_seconds() if trial.duration else 0
    tqdm.write(
        f"trial {number}/{settings.trials}: {words}: {_outcome(settings, trial)}{so_far}; {seconds:.0f} s",
        file=sys.stderr,
    )
    if settings.keep_models:
        return
    for n, last in trials.items():
        if last.state.is_finished() and n not in best[:BEST]:
            drop_models(settings.out / "trials" / f"{n:04d}")


def _outcome(settings: SearchSettings, trial: "FrozenTrial") -> str:
    if trial.state.name == "COMPLETE":
        return f"{settings.metric} {trial.value:.4f}"
    if trial.state.name == "PRUNED":
        return f"given up after epoch {trial.last_step}"
    return f"failed: {trial.user_attrs.get('reason')}"


def _end_unborn(study: "Study") -> None:
    """Enter those trials anew whose worker was killed before it gave a sign of life."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if "folder" not in trial.user_attrs:
            with suppress(ValueError):  # somebody else has
                study.tell(trial.number, state=TrialState.FAIL)
                again(study, trial)
