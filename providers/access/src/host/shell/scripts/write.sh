# Replaces a file whole, or makes it: what is on the input goes to $temporary, as seen from the
# folder of the file, and is then renamed.
path=$1 mode=$2 uid=$3 gid=$4 expect=$5 digest=$6 temporary=$7
tools stat cat ls sha256sum chmod chown mkdir mv rm sync

if enter; then
  expected
else
  case $expect in
    any | absent) make_folders ;;
    *) verdict changed ;;
  esac
fi

# Between two file systems a rename is a copy, and that can end half-way.
device=$(stat -c %d -- "${temporary%/*}") || verdict io "$folder: what is above cannot be read"
[ "$device" = "$(stat -c %d .)" ] ||
  verdict io "$folder: is on another file system than the folder above it"
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM PIPE
# With -C the file must be new.
said=$({ set -C && cat >"$temporary"; } 2>&1) || verdict io "$said"
# A connection that broke looks like the end of the input.
sum=$(sha256sum <"$temporary") || verdict io "$path: cannot be read"
[ "${sum%% *}" = "$digest" ] || verdict torn

# What belongs to a file besides owner and mode is the same in the new one: who may do what by name
# (its access control list), and the label that SELinux decides by. A file that cannot have them is
# not put in its place.
keep_lists() {
  case $(ls -ld -- "./$base") in
    ??????????+*) ;;
    *) return ;;
  esac
  tools getfacl setfacl sed
  list=$(getfacl -p -- "./$base") || verdict io "$path: its access control list cannot be read"
  # Nobody may do anything by it before the mode says so: changing that sets the mask and others.
  said=$(printf '%s\n' "$list" | sed -e 's/^mask::.*/mask::---/' -e 's/^other::.*/other::---/' |
    setfacl --set-file=- -- "$temporary" 2>&1) || verdict io "$said"
}
keep_label() {
  command -v selinuxenabled >/dev/null && selinuxenabled || return 0
  tools chcon
  said=$(chcon --reference="./$base" -- "$temporary" 2>&1) || verdict io "$said"
}

names=1 owner=
expected
[ "$names" = 1 ] || verdict instead names
[ "$uid" != - ] || uid=${owner%:*}
[ "$gid" != - ] || gid=${owner#*:}
own=$(stat -c %u:%g -- "$temporary") || verdict io "$path: cannot be written"
if [ "${uid:-${own%:*}}:${gid:-${own#*:}}" != "$own" ]; then
  said=$(chown -- "$uid:$gid" "$temporary" 2>&1) || verdict io "$said"
fi
if [ -e "./$base" ]; then
  keep_lists
  keep_label
fi
# After the owner: changing that takes bits away.
said=$(chmod -- "$mode" "$temporary" 2>&1) || verdict io "$said"
to_disk "$temporary" || verdict io "$said"
said=$(mv -f -T -- "$temporary" "./$base" 2>&1) || verdict io "$said"
# It is there, and nobody knows whether it stays.
to_disk . || verdict unsure "$said"
verdict "done"
