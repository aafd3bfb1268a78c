# Runs a program with its arguments; it reads what is on the input.
seconds=$1 most_said=$2
shift 2
tools head cat timeout date
command -v "$1" >/dev/null || verdict missing "$1"
exec 3>&1 5>&2
# What the program starts may outlive it, and is no part of what was begun. `timeout` keeps the lock
# of the number as long as the program runs, also when this shell is gone.
[ "$fence" = - ] || set -- sh -c 'exec 9>&- && exec "$@"' clinch "$@"
bounded "$seconds" "$most_said" "$@"
verdict ran "$status"
