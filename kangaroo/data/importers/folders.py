"""Class folders: the report's, anybody's, Kaggle's; and manifests."""

from pathlib import Path

from kangaroo.data.dataset import read_records
from kangaroo.data.importers.base import Found

KAGGLE = "compressed_dataset"


def read_class_folders(source: Path) -> Found:
    """ROOT/<Class>/**/<photo> with labels.csv or coordinates.csv, or a manifest (Parquet)."""
    records, rejected = read_records([source])
    country = records["country"].where(records["country"] != "", records["class"])
    records = records.assign(folder=records["class"], country=country, archive="", member="")
    return Found(records, rejected)


def read_kaggle(source: Path) -> Found:
    """Kaggle's 'Geolocation - Geoguessr Images (50K)': compressed_dataset/<Country>/canvas_<time>.jpg."""
    found = read_class_folders(source / KAGGLE if (source / KAGGLE).is_dir() else source)
    return Found(found.records.assign(source="kaggle-50k"), found.rejected)
