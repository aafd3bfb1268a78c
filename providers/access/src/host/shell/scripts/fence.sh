# What every script begins with that changes something: which run it works for, and whether that one
# may. The first word is `-` where runs are not told apart; else the file of the number, and the number,
# the holder, the project and the cluster that are written there.
mark=clinch:
fence=$1
if [ "$fence" = - ]; then
  shift
else
  number=$2 holder=$3 project=$4 cluster=$5
  shift 5
fi

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

# Takes the lock of the number: -s beside others that work, -x when none does. A host without
# `flock` compares numbers all the same, and nobody waits for what is still at work.
hold() {
  command -v flock >/dev/null || return 0
  said=$(timeout 30 flock "$1" 9 2>&1) && return
  case $? in
    124 | 137 | 143) verdict busy ;;
    *) verdict io "flock: $said" ;;
  esac
}

# Reads which number was here last: $last, and $by.
last_number() {
  last=0 by= head= of= at= more=
  found || return 0
  {
    IFS= read -r head
    IFS= read -r last
    IFS= read -r by
    IFS= read -r of
    IFS= read -r at || at=
    IFS= read -r more
  } <"./$base"
  case $head in
    'clinch fence 1') ;;
    'clinch fence '[2-9] | 'clinch fence '[1-9]*[0-9]) verdict newer ;;
    *) verdict damaged ;;
  esac
  [ "$of" = "project $project" ] && [ "$at" = "cluster $cluster" ] && [ -z "$more" ] ||
    verdict damaged
  case $by in
    'holder '*) by=${by#holder } ;;
    *) verdict damaged ;;
  esac
  case $last in
    'number '[1-9]*) last=${last#number } ;;
    *) verdict damaged ;;
  esac
  case $last in
    *[!0-9]* | ???????????????????*) verdict damaged ;;
  esac
}

# Ends when a later run was here; else this one is the last, and stays so until the script has ended.
pass() {
  about='fence '
  tools stat cat mkdir mv rm sync timeout
  path=$fence
  enter || make_folders
  lock=./$base.lock
  [ ! -L "$lock" ] || verdict instead link
  said=$({ : >>"$lock"; } 2>&1) || verdict io "$said"
  exec 9>>"$lock"
  hold -s
  last_number
  while [ "$last" != "$number" ]; do
    [ "$last" -le "$number" ] || verdict overtaken "$last" "$by"
    hold -x
    last_number
    if [ "$last" -lt "$number" ]; then
      new=./.$base.$$
      said=$({ printf 'clinch fence 1\nnumber %s\nholder %s\nproject %s\ncluster %s\n' \
        "$number" "$holder" "$project" "$cluster" >"$new"; } 2>&1) &&
        to_disk "$new" && said=$(mv -f -T -- "$new" "./$base" 2>&1) && to_disk . || {
        rm -f -- "$new"
        verdict io "$said"
      }
    fi
    # Another one may come between.
    hold -s
    last_number
  done
  about=
}
[ "$fence" = - ] || pass

