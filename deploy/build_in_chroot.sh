#!/bin/sh
# Builds deploy/Dockerfile without Docker and without an image registry: buildah in a chroot, on a fresh Debian 12 with its
# Python 3.11 instead of the official Python image. Run as root; needs debootstrap, buildah and 12 GB of disk.
#
#   deploy/build_in_chroot.sh [--target launcher] [--build-arg VARIANT=gpu]
#
# Prints the root file system of the image at the end, for `multi_host_failures.py --image`. SSL_CERT_FILE can name a custom
# certificate authority.
set -eu
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=overlay
base=localhost/debian-python:bookworm image=localhost/effspine:local
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/root"
  new=$(buildah from scratch)
  buildah copy --quiet "$new" "$work/root" /
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$new"
  if [ -n "${SSL_CERT_FILE:-}" ]; then
    buildah copy --quiet "$new" "$SSL_CERT_FILE" /etc/ssl/certs/ca-certificates.crt
    buildah config --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
      --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$new"
  fi
  buildah commit --quiet --rm "$new" "$base"
fi
buildah bud --layers --network host --build-arg "BASE=$base" --file deploy/Dockerfile --tag "$image" "$@" .
buildah mount "$(buildah from "$image")"
