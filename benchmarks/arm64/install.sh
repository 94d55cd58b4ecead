#!/bin/sh
# Downloads what runs LiteRT as a 64-bit Arm computer does: QEMU, and Debian 12's Python for that processor. Nothing outside
# of DIR changes.
#
# sh benchmarks/arm64/install.sh DIR [PYTHON]
set -eu
python=$(command -v "${2:-python3}")
case $python in /*) ;; *) python=$PWD/$python ;; esac
mkdir -p "$1"
cd "$1"
mkdir -p lists/partial cache/archives/partial packages
arm="-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::Lists=$PWD/lists -o Dir::Cache=$PWD/cache"
options="-qq -o APT::Sandbox::User=root -o Debug::NoLocking=1"
apt-get $options $arm update
cd packages
apt-get $options $arm download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libstdc++6 libgcc-s1 \
  zlib1g libexpat1 libffi8 libbz2-1.0 liblzma5 libssl3
apt-get $options download qemu-user-static
cd ..
for package in packages/*_arm64.deb; do dpkg -x "$package" root; done
dpkg -x packages/qemu-user-static_*.deb qemu
"$python" -m pip install -q --no-deps --target site --python-version 3.11 --only-binary=:all: \
  --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 ai-edge-litert==1.4.0 numpy==1.26.4
mv qemu/usr/bin/qemu-aarch64-static qemu-aarch64
rm -r lists cache packages qemu
touch installed
