"""``kangaroo collect browser``: what is refused, in one line and with exit code 2."""

import errno
import importlib.util

import pytest

from kangaroo.cli import main

HERE = "http://127.0.0.1:9"


@pytest.fixture
def refused(tmp_path, write_adapter, capsys):
    """Run the command, which must fail and leave nothing; gives its line."""

    def run(*flags, url=HERE, adapter=None, amount=("--photos", 1)):
        argv = ["collect", "browser", "--adapter", adapter or write_adapter(), "--url", url]
        argv += ["--out", tmp_path / "out", *amount, *flags]
        assert main([str(arg) for arg in argv]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert not list((tmp_path / "out").glob("*/*"))
        return line

    return run


@pytest.mark.parametrize("flag", ["--photos", "--games", "--instances", "--tries", "--timeout"])
def test_numbers_must_be_above_0(refused, flag):
    amount = () if flag in ("--photos", "--games") else ("--photos", 1)
    assert refused(flag, 0, amount=amount) == f"error: {flag} 0 is not above 0"


def test_other_flags(refused):
    assert "--interval -1 is not a number of seconds" in refused("--interval", -1)
    assert "--guess-country 'Utopia' is no country" in refused("--guess-country", "Utopia")
    assert "give --photos or --games" in refused(amount=())
    for url in ("example.org", "file:///etc/passwd", "http://", "http://[1/"):
        assert f"--url '{url}' is no address" in refused(url=url)


@pytest.mark.parametrize("point", ["47", "91,0", "a,b", "nan,0"])
def test_no_point_to_guess(refused, point, capsys):
    with pytest.raises(SystemExit) as end:
        refused("--guess-at", point)
    assert end.value.code == 2
    assert "is not a latitude and longitude such as 47.5,14.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["https://example.org/play", "http://192.168.1.9:7860", "http://127.0.0.1.example.org"]
)
def test_a_page_elsewhere_needs_permission(refused, url):
    line = refused(url=url)
    assert "most games forbid automation: ask whoever runs" in line
    assert "--i-have-permission" in line


@pytest.mark.parametrize("url", ["http://localhost:9", "http://127.8.8.8:9", "http://[::1]:9"])
def test_a_page_of_this_machine_needs_none(refused, url):
    assert "no browser /nowhere/chrome" in refused("--browser", "/nowhere/chrome", url=url)


def test_no_browser(refused, monkeypatch):
    pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")
    assert "no browser is installed: install chromium, or run playwright install chromium" in refused()


def test_a_program_that_is_no_browser(refused):
    assert "the browser /bin/false can't be started" in refused("--browser", "/bin/false")


def test_no_memory_for_a_browser(refused, monkeypatch):
    async def full():
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    monkeypatch.setattr("kangaroo.collect.browser.window._start_driver", full)
    assert "the browser driver can't be started: [Errno 12] Cannot allocate memory" in refused()


def test_no_playwright(refused, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "playwright" else found(name)
    )
    assert refused().endswith("driving a browser needs Playwright: pip install 'kangaroo[browser]'")


def test_help_says_whose_permission_it_takes(capsys):
    with pytest.raises(SystemExit):
        main(["collect", "browser", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Most games forbid automation" in text
    assert "permission is yours to get" in text
