"""``kangaroo collect``: from street networks to a folder of photos, paid for once."""

from kangaroo.commands.collect import browser, export, networks, plan, points, run, status

SUMMARY = "collect photos: street networks, points along them, photos of these points"
EXAMPLE = "kangaroo collect run --source google --points points.csv --out photos --max-usd 20"
COMMANDS = {
    "networks": networks,
    "points": points,
    "plan": plan,
    "run": run,
    "browser": browser,
    "status": status,
    "export": export,
}
