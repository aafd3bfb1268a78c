# Replaces a file whole, or makes it: what is on the input, beside its place, then renamed.
mark=clinch:
path=$1 mode=$2 uid=$3 gid=$4 expect=$5 digest=$6 temporary=$7
tools stat cat sha256sum chmod chown mkdir mv rm sync

# Goes on from the last folder that is there, and makes the others.
make_folders() {
  cd / || verdict io /
  here=
  rest=${folder#/}/
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    rest=${rest#*/}
    here=$here/$part
    if [ ! -e "./$part" ] && [ ! -L "./$part" ]; then
      # Somebody else may have made it just now.
      said=$(mkdir -m 755 -- "./$part" 2>&1) || [ -d "./$part" ] || verdict io "$said"
      to_disk . || verdict io "$said"
    fi
    cd -P -- "./$part" 2>/dev/null || verdict io "$here: cannot be entered"
    [ "$PWD" = "$here" ] || verdict above link
  done
}

if enter; then
  expected
else
  case $expect in
    any | absent) make_folders ;;
    *) verdict changed ;;
  esac
fi

trap 'rm -f -- "./$temporary"' EXIT
trap 'exit 1' HUP INT TERM PIPE
# With -C the file must be new.
said=$({ set -C && cat >"./$temporary"; } 2>&1) || verdict io "$said"
# A connection that broke looks like the end of the input.
sum=$(sha256sum <"./$temporary") || verdict io "$path: cannot be read"
[ "${sum%% *}" = "$digest" ] || verdict torn

names=1 owner=
expected
[ "$names" = 1 ] || verdict instead names
[ "$uid" != - ] || uid=${owner%:*}
[ "$gid" != - ] || gid=${owner#*:}
own=$(stat -c %u:%g -- "./$temporary") || verdict io "$path: cannot be written"
if [ "${uid:-${own%:*}}:${gid:-${own#*:}}" != "$own" ]; then
  said=$(chown -- "$uid:$gid" "./$temporary" 2>&1) || verdict io "$said"
fi
# After the owner: changing that takes bits away.
said=$(chmod -- "$mode" "./$temporary" 2>&1) || verdict io "$said"
to_disk "./$temporary" || verdict io "$said"
said=$(mv -f -T -- "./$temporary" "./$base" 2>&1) || verdict io "$said"
# It is there, and nobody knows whether it stays.
to_disk . || verdict unsure "$said"
verdict "done"
