"""Lists the layer sizes of basemap.pmtiles by zoom, or draws a view of it into a PNG to look at.

usage: look.py sizes | look.py view OUT.png ZOOM LONGITUDE LATITUDE [PIXELS_WIDE PIXELS_HIGH]    (ZOOM over 6 shows z6 enlarged)
"""

import gzip
import math
import sys
from collections import defaultdict
from pathlib import Path

import mapbox_vector_tile
from PIL import Image, ImageDraw, ImageFont
from pmtiles.reader import MmapSource, Reader, all_tiles

ARCHIVE = Path(__file__).with_name("basemap.pmtiles")
SHARP = 2


def sizes():
    totals, layers, largest = defaultdict(lambda: [0, 0]), defaultdict(int), defaultdict(int)
    with ARCHIVE.open("rb") as file:
        for (zoom, _, _), data in all_tiles(MmapSource(file)):
            totals[zoom][0] += 1
            totals[zoom][1] += len(data)
            largest[zoom] = max(largest[zoom], len(data))
            tile = mapbox_vector_tile.decode(gzip.decompress(data), default_options={"y_coord_down": True})
            for name, layer in tile.items():
                layers[zoom, name] += len(gzip.compress(mapbox_vector_tile.encode([layer | {"name": name}], default_options={"y_coord_down": True, "extents": layer["extent"]})))
    for zoom in sorted(totals):
        tiles, size = totals[zoom]
        share = ", ".join(f"{name} {layers[z, name] / 1000:.1f}" for z, name in sorted(layers) if z == zoom)
        print(f"z{zoom}: {tiles} tiles, {size / 1000:.1f} kB, largest {largest[zoom] / 1000:.1f} kB; by layer (kB, each compressed alone): {share}")


def view(out, zoom, longitude, latitude, width=1200, height=800):
    base = min(6, math.floor(zoom))
    pixels = 256 * 2 ** (zoom - base) * SHARP
    centre_x = (longitude + 180) / 360 * 2**base * pixels
    centre_y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**base * pixels
    west, north = centre_x - width * SHARP / 2, centre_y - height * SHARP / 2
    image = Image.new("RGB", (width * SHARP, height * SHARP), "#cfdde6")
    pen = ImageDraw.Draw(image)
    names, seen = [], set()
    with ARCHIVE.open("rb") as file:
        reader = Reader(MmapSource(file))
        found = []
        for column in range(math.floor(west / pixels), math.floor((west + width * SHARP) / pixels) + 1):
            for row in range(max(0, math.floor(north / pixels)), min(2**base - 1, math.floor((north + height * SHARP) / pixels)) + 1):
                data = reader.get(base, column % 2**base, row)
                if data:
                    tile = mapbox_vector_tile.decode(gzip.decompress(data), default_options={"y_coord_down": True})
                    found.append((tile, column * pixels - west, row * pixels - north))
        for layer, fill, line, wide in (("land", "#f4f1ea", None, 0), ("lakes", "#cfdde6", None, 0), ("states", None, "#ddd5c8", 1), ("borders", None, "#b3a594", 2)):
            for tile, left, top in found:
                content = tile.get(layer)
                for feature in content["features"] if content else ():
                    scale = pixels / content["extent"]
                    to = lambda ring: [(left + x * scale, top + y * scale) for x, y in ring]
                    geometry = feature["geometry"]
                    many = geometry["coordinates"] if geometry["type"].startswith("Multi") else [geometry["coordinates"]]
                    for one in many:
                        if fill:
                            for index, ring in enumerate(one):
                                pen.polygon(to(ring), fill=fill if index == 0 else "#cfdde6" if layer == "land" else "#f4f1ea", outline="#9db4c2" if layer == "land" else None)
                        else:
                            pen.line(to(one), fill=line, width=wide * SHARP, joint="curve")
        for tile, left, top in found:
            content = tile.get("places") or {"features": []}
            for feature in content["features"]:
                x, y = feature["geometry"]["coordinates"]
                row = feature["properties"]
                if (row["name"], row["kind"]) not in seen:
                    seen.add((row["name"], row["kind"]))
                    names.append(({"country": 0, "state": 1, "city": 2}[row["kind"]], row["rank"], left + x * pixels / content["extent"], top + y * pixels / content["extent"], row["name"]))
    taken = []
    for kind, _, x, y, name in sorted(names):
        font = ImageFont.load_default(size=(15, 12, 12)[kind] * SHARP)
        half, high = pen.textlength(name, font=font) / 2, 9 * SHARP
        if any(abs(x - ox) < half + oh and abs(y - oy) < 2 * high for ox, oy, oh in taken):
            continue
        taken.append((x, y, half))
        pen.text((x - half, y - high), name, font=font, fill=("#6b5f52", "#a09483", "#3c4650")[kind])
    image.resize((width, height), Image.LANCZOS).save(out)


if sys.argv[1] == "sizes":
    sizes()
else:
    view(sys.argv[2], *map(float, sys.argv[3:6]), *map(int, sys.argv[6:8]))
