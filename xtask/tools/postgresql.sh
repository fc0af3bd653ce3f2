# Unpacks PostgreSQL's package here, and what it needs beyond what is installed on this machine. Installs nothing and
# needs no root. The lists of packages are read anew, as those of the machine may be old or away.
set -e
apt() {
  apt-get --yes --no-install-recommends -o Debug::NoLocking=true -o APT::Sandbox::User=root \
    -o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" "$@"
}
mkdir -p lists/partial cache/archives/partial
apt update
apt install --download-only postgresql
for package in cache/archives/*.deb; do
  dpkg-deb --extract "$package" .
done
rm -r lists cache
