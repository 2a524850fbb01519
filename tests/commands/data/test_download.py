import pytest

from kangaroo.cli import main


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["data", "download", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for word in ("CC BY-SA 4.0", "2.9 GB", "HF_ENDPOINT", "goes on", "--at-most", "--min-distance-km"):
        assert word in text
    assert "example: kangaroo data download osv5m --classes Austria Australia --per-class 2000" in text


def test_another_data_set_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["data", "download", "imagenet", "--out", "x"])
    assert "invalid choice: 'imagenet'" in capsys.readouterr().err
