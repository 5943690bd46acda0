#!/usr/bin/env bash
# Checks (rust, node) or installs (browser, postgres, redis, proxies, faketime, python, libclang) what a target needs, and says what to do when it cannot.
set -euo pipefail

fail() { printf 'godwit: %s\n\n  hint: %s\n' "$1" "$2" >&2; exit 1; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

for what in "$@"; do
  case $what in
    rust)
      command -v cargo >/dev/null || fail 'Rust is not installed.' 'install it from https://rustup.rs, then run this again'
      have=$(rustc --version | cut -d' ' -f2); want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
      at_least "$want" "$have" || fail "Rust $have is too old; $want or newer is needed." 'rustup update stable'
      command -v cc >/dev/null || fail 'A C compiler is not installed (SQLite is built from source).' 'apt-get install gcc libc6-dev'
      ;;
    node)
      command -v npm >/dev/null || fail 'Node.js with npm is not installed.' 'install Node.js 20.19 or newer, then run this again'
      have=$(node --version | tr -d v)
      at_least 20.19 "$have" || fail "Node.js $have is too old; 20.19 or newer is needed." 'install a newer Node.js'
      ;;
    browser)
      [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ] || {
        command -v apt-get >/dev/null || fail 'Chromium is not installed.' 'install it, or set CHROMIUM=/path/to/chromium'
        echo 'installing Chromium for the browser tests ...' >&2
        sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
      }
      ;;
    redis)
      [ -n "${REDIS_SERVER:-}" ] || command -v redis-server >/dev/null || {
        command -v apt-get >/dev/null || fail 'Redis is not installed.' 'install redis-server 7 or newer, or set REDIS_SERVER=/path/to/redis-server'
        echo 'installing Redis for the tests of several replicas ...' >&2
        sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends redis-server >/dev/null
      }
      have=$("${REDIS_SERVER:-redis-server}" --version | sed -n 's/.* v=\([0-9.]*\).*/\1/p')
      at_least 7.0 "$have" || fail "Redis $have is too old; 7.0 or newer is needed." 'install a newer one, or set REDIS_SERVER=/path/to/redis-server'
      ;;
    postgres)
      newest=$(ls /usr/lib/postgresql 2>/dev/null | sort -V | tail -n 1)
      { [ -n "$newest" ] && at_least 15 "$newest" && [ -x /usr/sbin/pgbouncer ] &&
        [ -f "/usr/share/postgresql/$newest/extension/postgis.control" ]; } || {
        command -v apt-get >/dev/null || fail 'PostgreSQL 15 with PostGIS, or PgBouncer, is not installed.' \
          'install postgresql, postgis and pgbouncer; GODWIT_TEST_POSTGRES_BIN names the folder of its programs'
        echo 'installing PostgreSQL, PostGIS and PgBouncer for the tests ...' >&2
        sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
        # Tests start servers of their own: a system-wide one is neither made nor started.
        $sudo apt-get update -qq && $sudo mkdir -p /etc/postgresql-common/createcluster.d &&
          echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.d/godwit.conf >/dev/null &&
          DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends \
            postgresql postgresql-postgis pgbouncer >/dev/null
      }
      ;;
    proxies)
      for what in nginx haproxy; do
        PATH=$PATH:/usr/sbin command -v "$what" >/dev/null || {
          command -v apt-get >/dev/null || fail "$what is not installed (a test runs the site behind it)." "install $what"
          echo "installing $what for the tests of web servers in front ..." >&2
          sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
          [ "$what" = nginx ] && package=nginx-light || package=haproxy
          $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends "$package" >/dev/null
          # Tests start their own: the one that Debian started with the installation is ended.
          $sudo systemctl disable --quiet --now "$what" 2>/dev/null || true
        }
      done
      ;;
    libclang)
      compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || [ -n "${LIBCLANG_PATH:-}" ] || {
        command -v apt-get >/dev/null || fail 'libclang is not installed (libfap is built with it).' 'install libclang, or set LIBCLANG_PATH to its folder'
        echo 'installing libclang for building libfap ...' >&2
        sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends libclang-dev >/dev/null
      }
      ;;
    faketime)
      compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1" >/dev/null || {
        command -v apt-get >/dev/null || fail 'faketime is not installed (a test sets the clock).' 'install faketime'
        echo 'installing faketime for the test of a clock that is set ...' >&2
        sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends faketime >/dev/null
      }
      ;;
    python)
      # Independent readers of the archive: DuckDB for its files, a server of the S3 protocol. They live in target/.
      tools=target/python
      "$tools/bin/python" -c 'import duckdb, moto.server' 2>/dev/null || {
        echo 'installing DuckDB and moto into target/python for the tests of the archive ...' >&2
        rm -rf "$tools" && mkdir -p target
        # Debian's Python comes without what makes virtual environments.
        python3 -m venv "$tools" >/dev/null 2>&1 || {
          command -v apt-get >/dev/null || fail 'Python cannot make a virtual environment (DuckDB reads the archive in a test).' 'install Python 3 with venv and pip'
          sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
          $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends python3 python3-venv >/dev/null
          rm -rf "$tools" && python3 -m venv "$tools"
        }
        "$tools/bin/pip" install --quiet --disable-pip-version-check 'duckdb>=1.1' 'moto[server]>=5'
      }
      ;;
  esac
done
