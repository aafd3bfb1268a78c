# Removes a regular file.
path=$1 expect=$2
tools stat sha256sum rm sync

if ! enter; then
  case $expect in
    any | absent) verdict "done" ;;
    *) verdict changed ;;
  esac
fi
expected
said=$(rm -f -- "./$base" 2>&1) || verdict io "$said"
# It is gone, and nobody knows whether it stays so.
to_disk . || verdict unsure "$said"
verdict "done"
