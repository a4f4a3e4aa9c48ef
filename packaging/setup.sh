# Sourced by packaging/up and tests/run: installs what is missing. Everything it does can be done twice.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    echo "packaging: installing packages needs root: run as root or install sudo" >&2
    return 1
  fi
}

# Runs a command up to four times: registries have hiccups.
retry() {
  local try
  for try in 1 2 3 4; do
    "$@" && return 0
    [ "$try" -eq 4 ] || { say "failed, trying again in $((try * 5)) s: $*"; sleep $((try * 5)); }
  done
  return 1
}

wanted_packages() { sed -e 's/#.*//' -e '/^ *$/d' "$@"; }

# nodejs and npm count as there when the commands are, whoever installed them.
is_there() {
  case "$1" in
    nodejs) command -v node >/dev/null && return 0 ;;
    npm) command -v npm >/dev/null && return 0 ;;
  esac
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'
}

# install_packages FILE...: services of these packages are not started.
install_packages() {
  local package missing=()
  while read -r package; do is_there "$package" || missing+=("$package"); done < <(wanted_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return 0
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d made_policy=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod +x "$policy" && made_policy=1
  fi
  local ok=0
  retry as_root apt-get update -qq &&
    retry as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o Dpkg::Use-Pty=0 "${missing[@]}" >&2 || ok=1
  [ -z "$made_policy" ] || as_root rm -f "$policy"
  return "$ok"
}

# npm_install FOLDER: the packages of its lock file, when they are not there yet.
npm_install() {
  local stamp="$1/node_modules/.package-lock.json"
  [ -e "$stamp" ] && [ ! "$1/package-lock.json" -nt "$stamp" ] && return 0
  say "installing npm packages of $1"
  (cd "$1" && retry npm ci --no-audit --no-fund --loglevel=error) && touch "$stamp"
}

# build_nines PRESET TARGET...: shows the progress of the compiler.
build_nines() {
  local preset="$1"
  shift
  if [ ! -e "build/$preset/build.ninja" ]; then
    mkdir -p build
    cmake --preset "$preset" >"build/configure-$preset.log" 2>&1 || { cat "build/configure-$preset.log" >&2; return 1; }
  fi
  cmake --build "build/$preset" --target "$@" >&2
}
