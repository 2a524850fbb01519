"""The study of a search: its storage, which knows every trial.

A trial whose worker is gone fails, and is entered again under its own number. Optuna counts attempts; numbers
of trials, from 1, are those of the first attempts in the order in which they were made.
"""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kangaroo.errors import DataError
from kangaroo.runs.search.settings import METRICS, SearchSettings

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.pruners import BasePruner
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

WARM_UP = 3  # epochs before the median of others can end a trial: the first ones say little


def forget(settings: SearchSettings) -> None:
    """Remove the study from the storage, if it is not the file in ``out``, which goes as a whole."""
    import optuna

    if settings.storage:
        with suppress(KeyError):  # there is none
            optuna.delete_study(study_name=settings.study, storage=_storage(settings))


def open_study(settings: SearchSettings) -> "Study":
    """The study, new or as it stands; DataError if it is another one, or can't be opened."""
    import optuna

    study = optuna.create_study(
        storage=_storage(settings),
        study_name=settings.study,
        direction=METRICS[settings.metric].direction,
        pruner=_pruner(settings.pruner),
        load_if_exists=True,
    )
    trials = len(study.get_trials(deepcopy=False))
    if trials and not settings.resume:
        raise DataError(
            f"the study {settings.study!r} has {trials} trials: give --resume to go on with them, "
            "--overwrite to replace them, or another --study"
        )
    _agree(study, settings, {} if trials else settings.shared)
    return study


def _agree(study: "Study", settings: SearchSettings, default: dict[str, Any]) -> None:
    """Raise DataError if the study began with other settings; a new one keeps these."""
    was, now = study.user_attrs.get("shared", default), settings.shared
    for name in now:
        if was.get(name) != now[name]:
            before, after = (" ".join(v) if isinstance(v, list) else v for v in (was.get(name), now[name]))
            raise DataError(
                f"the study {settings.study!r} has {name} {before}, not {after}: go on with what it began "
                "with, or give another --study"
            )
    study.set_user_attr("shared", now)


def _pruner(name: str) -> "BasePruner":
    from optuna import pruners

    if name == "median":
        return pruners.MedianPruner(n_warmup_steps=WARM_UP)
    return pruners.HyperbandPruner() if name == "hyperband" else pruners.NopPruner()


def _storage(settings: SearchSettings) -> "RDBStorage":
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    failures = (SQLAlchemyError, StorageInternalError, ImportError, RuntimeError)
    with suppress(*failures):
        return _connect(settings)
    time.sleep(1)  # two workers may have begun to make the tables at the same moment
    try:
        return _connect(settings)
    except failures as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise DataError(f"the study's storage can't be opened ({reason}): check --storage") from error


def _connect(settings: SearchSettings) -> "RDBStorage":
    from optuna.storages import RDBStorage
    from sqlalchemy import URL, make_url

    url = make_url(settings.storage or URL.create("sqlite", database=str(settings.out / "study.db")))
    return RDBStorage(
        url.render_as_string(hide_password=False),
        # A worker that finds the file locked waits for the other one, a minute at most.
        {"connect_args": {"timeout": 60}} if url.get_backend_name() == "sqlite" else None,
        heartbeat_interval=max(1, settings.grace // 6),
        grace_period=settings.grace,
        heartbeat_stale_trial_callback=again,
    )


def again(study: "Study", trial: "FrozenTrial") -> None:
    """Enter a trial anew whose worker is gone, with its settings as far as they were drawn."""
    from optuna.trial import TrialState, create_trial

    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={"first": first_attempt(trial)},
        )
    )


def attempts(study: "Study") -> "dict[int, FrozenTrial]":
    """The last attempt at each trial, by the trial's number."""
    last = {
        first_attempt(trial): trial
        for trial in study.get_trials(deepcopy=False)
        if not trial.user_attrs.get("surplus")
    }
    return dict(enumerate((last[first] for first in sorted(last)), 1))


def ranking(study: "Study") -> list[int]:
    """The numbers of the trials that ended with a value, the best first, of equals the first."""
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
    values = {n: trial.value for n, trial in attempts(study).items() if trial.state == TrialState.COMPLETE}
    return sorted(values, key=lambda n: (sign * (values[n] or 0), n))


def first_attempt(trial: "FrozenTrial | Trial") -> int:
    """Optuna's number of the first attempt at a trial."""
    return int(trial.user_attrs.get("first", trial.number))
