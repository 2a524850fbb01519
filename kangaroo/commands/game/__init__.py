"""``kangaroo game``: what people and the model have said of the same photos."""

from kangaroo.commands.game import compare, export

SUMMARY = "compare people with the model, by the results of games"
EXAMPLE = "kangaroo game compare kangaroo-games.sqlite"
COMMANDS = {"compare": compare, "export": export}
