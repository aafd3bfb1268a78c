# Answers questions: `file PATH`, `folder PATH`, `link PATH`, `command COUNT WORD...`.
# The first line of the input is a secret mark that separates the answers: a file that is shown
# cannot contain it.
IFS= read -r mark || exit 1
seconds=$1 most_said=$2 most_read=$3
shift 3
tools stat head cat timeout date readlink
exec 3>&1 5>&2

file() (
  path=$1
  enter && found || verdict absent
  [ -r "./$base" ] || verdict io "$path: Permission denied"
  printf '\n%s file %s\n' "$mark" "$meta"
  head -c "$most_read" <"./$base"
  verdict end "$?"
)

folder() (
  path=${1%/}/.
  enter || verdict absent
  [ -r . ] || verdict io "$1: Permission denied"
  printf '\n%s folder\n' "$mark"
  for name in * .[!.]* ..?*; do
    if [ -L "./$name" ]; then kind=l
    elif [ -f "./$name" ]; then kind=f
    elif [ -d "./$name" ]; then kind=d
    elif [ -e "./$name" ]; then kind=o
    else continue
    fi
    printf '%s%s\0' "$kind" "$name"
  done
  verdict end 0
)

link() (
  path=$1
  enter || verdict absent
  said=$(stat -c %f -- "./$base" 2>&1) || case $said in
    *': No such file or directory') verdict absent ;;
    *) verdict io "$said" ;;
  esac
  case $said in
    a???) ;;
    *) found && verdict instead file ;;
  esac
  printf '\n%s link\n' "$mark"
  readlink -n -- "./$base"
  verdict end "$?"
)

# The first COUNT of the arguments are a program and its arguments.
program() (
  count=$1
  shift
  left=$#
  while [ "$left" -gt 0 ]; do
    if [ "$count" -gt 0 ]; then
      set -- "$@" "$1"
      count=$((count - 1))
    fi
    shift
    left=$((left - 1))
  done
  command -v "$1" >/dev/null || verdict absent
  printf '\n%s ran\n' "$mark"
  printf '\n%s ran\n' "$mark" >&2
  bounded "$seconds" "$most_said" "$@" </dev/null
  printf '\n%s end\n' "$mark" >&2
  verdict end "$status"
)

while [ "$#" -gt 0 ]; do
  case $1 in
    file) file "$2" ;;
    folder) folder "$2" ;;
    link) link "$2" ;;
    command)
      shift
      program "$@"
      shift "$1"
      set -- "" "$@"
      ;;
    *) exit 1 ;;
  esac
  shift 2
done
verdict over
