"""What a country's roadside looks like, as data: each trait names the fact that it stands for.

A *cue* is a kind of thing that tells countries apart (the warning sign); a *style* is one look of it (a red
triangle). Whether a scene shows a cue is drawn with the same chance in every country, so its absence says
nothing; only the style depends on the country. The chances of styles are set by hand to the sense of the
fact, not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Trait:
    """One style that a cue takes in a country, how often (0 to 1, summing to 1 a cue), and why."""

    style: str
    chance: float
    fact: str


#: Chance that a scene shows the cue, whatever the country.
SHOWN: Mapping[str, float] = MappingProxyType(
    {
        "skyline": 0.60,
        "trees": 0.70,
        "house": 0.70,
        "pole": 0.35,
        "centre line": 0.65,
        "bollard": 0.45,
        "warning sign": 0.35,
        "driving side": 0.30,
    }
)

_VIENNA_SIGN = Trait("red triangle", 1.0, "warning signs follow the Vienna Convention: red-rimmed triangles")
_DIAMOND_SIGN = Trait("yellow diamond", 1.0, "warning signs are black on yellow diamonds")
_RIGHT = Trait("right", 1.0, "traffic keeps right: who comes towards the camera is on its left")
_LEFT = Trait("left", 1.0, "traffic keeps left: who comes towards the camera is on its right")
_WHITE_LINE = Trait("white", 1.0, "centre lines are white")

PROFILES: Mapping[str, Mapping[str, tuple[Trait, ...]]] = MappingProxyType(
    {
        "Australia": {
            "skyline": (
                Trait("flat", 0.60, "the flattest continent: plains to the horizon"),
                Trait("hills", 0.35, "the Great Dividing Range is old and rounded"),
                Trait("alpine", 0.05, "the Snowy Mountains are the exception"),
            ),
            "trees": (
                Trait("eucalyptus", 0.85, "three quarters of the native forest is eucalypt"),
                Trait("broadleaf", 0.15, "planted shade trees in towns"),
            ),
            "house": (
                Trait("low hip", 0.80, "single-storey bungalows with low hipped roofs and a veranda"),
                Trait("gable", 0.20, "older cottages"),
            ),
            "pole": (
                Trait("crossarm", 0.90, "timber poles with a horizontal crossarm along most streets"),
                Trait("plain", 0.10, "newer service poles without crossarm"),
            ),
            "centre line": (_WHITE_LINE,),
            "bollard": (Trait("red dot", 1.0, "white guide posts carry a red delineator on the left"),),
            "warning sign": (_DIAMOND_SIGN,),
            "driving side": (_LEFT,),
        },
        "Austria": {
            "skyline": (
                Trait("alpine", 0.60, "the Alps cover about 60 % of the country"),
                Trait("hills", 0.30, "the granite plateau and the alpine foreland"),
                Trait("flat", 0.10, "the Vienna basin and the east"),
            ),
            "trees": (
                Trait("spruce", 0.70, "spruce is about half of the standing forest"),
                Trait("broadleaf", 0.30, "beech and fruit trees lower down"),
            ),
            "house": (
                Trait("chalet", 0.70, "wide-eaved gables with a wooden balcony in the alpine states"),
                Trait("gable", 0.30, "plain steep gables in the east"),
            ),
            "pole": (
                Trait("plain", 0.90, "slim poles with the wires on brackets"),
                Trait("crossarm", 0.10, "medium-voltage lines with a crossarm"),
            ),
            "centre line": (_WHITE_LINE,),
            "bollard": (Trait("black cap", 1.0, "white delineator posts wear a black cap"),),
            "warning sign": (_VIENNA_SIGN,),
            "driving side": (_RIGHT,),
        },
        "Czechia": {
            "skyline": (
                Trait("hills", 0.75, "the rolling Bohemian massif"),
                Trait("flat", 0.20, "the Elbe lowland and southern Moravia"),
                Trait("alpine", 0.05, "the Giant Mountains"),
            ),
            "trees": (
                Trait("avenue", 0.80, "fruit trees and limes planted in rows along roads"),
                Trait("spruce", 0.20, "spruce plantations"),
            ),
            "house": (
                Trait("gable", 0.92, "steep tiled gables in closed village rows"),
                Trait("pyramid", 0.08, "cube houses of the 1960s and 1970s"),
            ),
            "pole": (
                Trait("concrete pair", 0.60, "spun-concrete poles, at bends in pairs"),
                Trait("plain", 0.40, "single poles with the wires on brackets"),
            ),
            "centre line": (_WHITE_LINE,),
            "bollard": (Trait("black band", 1.0, "a slanted black band with an orange reflector"),),
            "warning sign": (_VIENNA_SIGN,),
            "driving side": (_RIGHT,),
        },
        "New Zealand": {
            "skyline": (
                Trait("hills", 0.55, "three quarters of the land is hills and mountains"),
                Trait("alpine", 0.35, "the Southern Alps"),
                Trait("flat", 0.10, "the Canterbury plains"),
            ),
            "trees": (
                Trait("cabbage tree", 0.60, "cordylines with spiky heads stand in paddocks and gardens"),
                Trait("broadleaf", 0.25, "planted willows and natives"),
                Trait("spruce", 0.15, "conifer shelter belts"),
            ),
            "house": (
                Trait("low hip", 0.40, "single-storey bungalows under corrugated iron"),
                Trait("gable", 0.60, "weatherboard cottages with gables"),
            ),
            "pole": (
                Trait("crossarm", 0.85, "timber and concrete poles with a crossarm"),
                Trait("plain", 0.15, "street-light poles"),
            ),
            "centre line": (
                Trait("yellow", 0.65, "no-passing lines are solid yellow"),
                Trait("white", 0.35, "elsewhere the centre line is white"),
            ),
            "bollard": (Trait("red band", 1.0, "edge marker posts wear a red band"),),
            "warning sign": (_DIAMOND_SIGN,),
            "driving side": (_LEFT,),
        },
        "Slovakia": {
            "skyline": (
                Trait("hills", 0.45, "the Carpathian foothills"),
                Trait("alpine", 0.40, "the Tatras and Fatras"),
                Trait("flat", 0.15, "the Danubian lowland"),
            ),
            "trees": (
                Trait("broadleaf", 0.75, "beech is the commonest forest tree"),
                Trait("spruce", 0.25, "spruce in the north"),
            ),
            "house": (
                Trait("pyramid", 0.92, "cube houses under low pyramid roofs fill the villages"),
                Trait("gable", 0.08, "older long houses with a street gable"),
            ),
            "pole": (
                Trait("concrete pair", 0.60, "concrete poles, at bends in pairs"),
                Trait("plain", 0.40, "single poles with the wires on brackets"),
            ),
            "centre line": (_WHITE_LINE,),
            "bollard": (Trait("black band", 1.0, "a slanted black band with an orange reflector"),),
            "warning sign": (_VIENNA_SIGN,),
            "driving side": (_RIGHT,),
        },
    }
)


#: Red, green and blue of a country's scenes with a colour cue, relative to those without. These stand for no
#: fact: the cue is there to check that a method finds what is plainly there.
TINTS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "Australia": (1.04, 1.0, 0.96),
        "Austria": (0.96, 1.0, 1.04),
        "Czechia": (0.96, 1.04, 1.0),
        "New Zealand": (1.0, 0.96, 1.04),
        "Slovakia": (1.04, 0.96, 1.0),
    }
)


def chances(country: str, cue: str) -> dict[str, float]:
    """Style -> chance of one cue in one country."""
    return {trait.style: trait.chance for trait in PROFILES[country][cue]}


def styles(cue: str) -> tuple[str, ...]:
    """Every style that a cue takes in any country, sorted."""
    return tuple(sorted({trait.style for profile in PROFILES.values() for trait in profile[cue]}))
