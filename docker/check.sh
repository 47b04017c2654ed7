#!/usr/bin/env bash
# Builds the images for real without a registry of images: their bases are made from Debian's packages and
# get the upstream names, then buildah builds as it would anywhere, and the result is run.
#   docker/check.sh [server|job|airflow …]     default: server
# Needs root, buildah and mmdebstrap (apt-get install buildah mmdebstrap); without them it says so and exits 0.
# WORK=DIR keeps bases and images in DIR for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
images=("${@:-server}")

skip() { echo "images-check skipped: $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "chroot builds need root"
for tool in buildah mmdebstrap; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done

work="${WORK:-$(mktemp -d)}"
mkdir -p "$work/tmp"
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
export BUILDAH_ISOLATION=chroot TMPDIR="$work/tmp"
buildah() { command buildah --root "$work/storage" --runroot "$work/run" --storage-driver overlay "$@"; }
release=bookworm
python="docker.io/library/python:3.11"

# What pip of this machine was told about packages holds in the build, too.
mounts=(--volume /etc/ssl/certs:/etc/ssl/certs:ro)
settings=()
for folder in ${PIP_FIND_LINKS:-}; do mounts+=(--volume "$folder:$folder:ro"); done
for name in PIP_FIND_LINKS PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL; do
  [ -z "${!name:-}" ] || settings+=(--env "$name=${!name}")
done

# base NAME PACKAGES…: an image with Debian's Python where the upstream image has its own.
base() {
  local name="$1" tar="$work/${1//[\/:]/_}.tar" id
  shift
  buildah inspect --type image "$name" >/dev/null 2>&1 && return
  mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "$*")" "$release" "$tar"
  id=$(buildah from scratch)
  buildah add -q "$id" "$tar" / >/dev/null
  buildah run "$id" -- ln -s /usr/bin/python3 /usr/local/bin/python
  [ "$name" = "${name#*airflow}" ] || buildah run "$id" -- sh -c \
    'useradd -m -u 50000 -g 0 airflow && python -m venv /opt/venv && mkdir /opt/airflow && chown -R airflow:0 /opt'
  [ "$name" = "${name#*airflow}" ] || buildah config --user 50000:0 --env PATH=/opt/venv/bin:/usr/bin:/bin "$id"
  buildah commit -q --rm "$id" "$name" >/dev/null
  rm "$tar"
}

# build NAME: the image sqlrec-NAME by docker/NAME/Dockerfile.
build() {
  local began=$SECONDS
  buildah bud -q --format docker --layers --pull-never --network host "${mounts[@]}" "${settings[@]}" \
    --file "docker/$1/Dockerfile" --tag "sqlrec-$1" . >"$work/$1.log" 2>&1 \
    || { tail -30 "$work/$1.log"; echo "docker/$1/Dockerfile cannot be built"; exit 1; }
  echo "sqlrec-$1: built in $((SECONDS - began)) s"
}

# probe NAME COMMAND…: run a command of an image as a user that it does not know.
probe() {
  local id user
  id=$(buildah from --pull-never "localhost/sqlrec-$1")
  user="$(buildah inspect --format '{{.Docker.Config.User}}' "$id")"
  [ "$user" = 50000:0 ] || { echo "sqlrec-$1 runs as ${user:-root}"; exit 1; }
  buildah run --user 12345:0 --network host "$id" -- "${@:2}"
  buildah rm "$id" >/dev/null
}

# size NAME: megabytes of an image, and of it those that are not the base's.
size() {
  local id folder
  id=$(buildah from --pull-never "localhost/sqlrec-$1")
  folder=$(buildah mount "$id")
  echo "sqlrec-$1: $(du -smx "$folder" | cut -f1) MB, of which packages $(du -smx "$folder/opt" | cut -f1) MB"
  buildah rm "$id" >/dev/null
}

absent() { # absent MODULES…: a program that fails when one of them can be imported
  printf 'import importlib.util as u; found = [m for m in "%s".split() if u.find_spec(m)]; assert not found, found' "$*"
}

for image in "${images[@]}"; do
  base "$python-$release" python3 python3-venv python3-dev gcc libc6-dev ca-certificates
  base "$python-slim-$release" python3 ca-certificates
  [ "$image" != airflow ] || base "docker.io/apache/airflow:3.3.2-python3.11" python3 python3-venv ca-certificates
  build "$image"
  case "$image" in
    server)
      probe server python -m sqlrec.serving --help >/dev/null
      probe server python -c "import sqlrec.serving._rows; $(absent torch airflow mlflow kubernetes pip)" ;;
    job)
      probe job python -c "import torch, lightgbm, sqlrec.jobs.__main__; $(absent nvidia airflow mlflow pip)" ;;
    airflow)
      probe airflow python -c "import airflow, mlflow, kubernetes, sqlrec.airflow.loader; $(absent torch)" ;;
    *) echo "no such image: $image"; exit 2 ;;
  esac
  size "$image"
done
echo "images-check: ${images[*]} built and run"
