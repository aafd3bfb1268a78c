# What every script begins with. Plain POSIX sh: dash, bash and busybox run it.
PATH="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:$PATH"
LC_ALL=C
TZ=UTC0
export PATH LC_ALL TZ
umask 077

# Says how it ended. Nothing is printed after it.
about=
verdict() {
  printf '\n%s %s\n' "$mark" "$about$*"
  exit 0
}

# Ends when a program is missing that is needed.
tools() {
  for tool; do
    command -v "$tool" >/dev/null || verdict missing "$tool"
  done
}

# Goes to the folder of $path, and ends unless every part of it is a folder itself: after
# `cd -P` the shell knows where it truly is. Names are relative from here on, so whoever
# exchanges a folder above changes nothing. Returns 1 when the folder is missing.
enter() {
  folder=${path%/*}
  base=${path##*/}
  [ -n "$folder" ] || folder=/
  if cd -P -- "$folder" 2>/dev/null; then
    [ "$PWD" = "$folder" ] || verdict above link
    return 0
  fi
  # Why not? Part by part, from the top.
  cd / || verdict io /
  rest=${folder#/}/
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    rest=${rest#*/}
    said=$(stat -c %f -- "./$part" 2>&1) || case $said in
      *': No such file or directory') return 1 ;;
      *) verdict io "$said" ;;
    esac
    case $said in
      4???) cd -P -- "./$part" 2>/dev/null || verdict io "$folder: Permission denied" ;;
      a???) verdict above link ;;
      *) verdict above other ;;
    esac
  done
  # Somebody else has made it just now.
  [ "$PWD" = "$folder" ] || verdict above link
}

# Looks at ./$base. Returns 1 when nothing is there, and ends when it is no regular file.
found() {
  said=$(stat -c '%f %a %u %g %h %i:%z' -- "./$base" 2>&1) || case $said in
    *': No such file or directory') return 1 ;;
    *) verdict io "$said" ;;
  esac
  case $said in
    8???\ *) ;;
    4???\ *) verdict instead folder ;;
    a???\ *) verdict instead link ;;
    1???\ *) verdict instead pipe ;;
    c???\ *) verdict instead socket ;;
    2???\ * | 6???\ *) verdict instead device ;;
    *) verdict io "$said" ;;
  esac
  meta=${said#* }
  set -f
  # Numbers and a time: split on purpose.
  set -- $meta
  set +f
  owner=$2:$3 names=$4
  stamp=${meta#* * * * }
}

# Ends unless what is there is what is expected.
expected() {
  if ! found; then
    case $expect in
      any | absent) return 0 ;;
      *) verdict changed ;;
    esac
  fi
  case $expect in
    any) ;;
    digest:*)
      sum=$(sha256sum <"./$base") || verdict io "$path: cannot be read"
      [ "digest:${sum%% *}" = "$expect" ] || verdict changed
      ;;
    stamp:*) [ "stamp:$stamp" = "$expect" ] || verdict changed ;;
    *) verdict changed ;;
  esac
}

# Brings a file or folder to disk; $said is why not. What may not be opened is brought there with
# all the rest, as old systems do anyway.
to_disk() {
  said=$(sync "$1" 2>&1) && return
  [ ! -r "$1" ] && [ ! -w "$1" ] && sync
}

# Seconds since the host started: its clock may be set while a program runs.
uptime() {
  [ -r /proc/uptime ] || { date +%s; return; }
  read -r up _ </proc/uptime
  echo "${up%%.*}"
}

# Runs a program for so many seconds, its output cut at so many bytes. What it says goes to 3
# and 5, and $status tells how it ended: `late` when it took too long.
bounded() {
  limit=$1 most=$2
  shift 2
  began=$(uptime)
  status=$({ { { timeout -k 5 "$limit" "$@" 3>&- 4>&- 5>&-; echo "$?" >&4; } | cut_at "$most" >&3; } 2>&1 | cut_at "$most" >&5; } 4>&1)
  case $status in
    124 | 137 | 143) [ "$(($(uptime) - began))" -lt "$limit" ] || status=late ;;
  esac
}

# Passes on so many bytes, and reads the rest: a program is not ended for talking too much.
cut_at() {
  head -c "$1"
  cat >/dev/null
}

