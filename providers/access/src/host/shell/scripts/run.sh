# Runs a program with its arguments; it reads what is on the input.
mark=clinch:
seconds=$1 most_said=$2
shift 2
tools head cat timeout date
command -v "$1" >/dev/null || verdict missing "$1"
exec 3>&1 5>&2
bounded "$seconds" "$most_said" "$@"
verdict ran "$status"
