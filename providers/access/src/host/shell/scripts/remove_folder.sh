# Removes a folder that nothing is in. One that is not there, or has something in it, is left as it is.
path=$1
tools stat rmdir ls sync

enter || verdict "done"
said=$(stat -c %f -- "./$base" 2>&1) || case $said in
  *': No such file or directory') verdict "done" ;;
  *) verdict io "$said" ;;
esac
case $said in
  4???) ;;
  a???) verdict instead link ;;
  *) verdict "done" ;;
esac
inside=$(ls -A -- "./$base" 2>&1) || verdict io "$inside"
[ -z "$inside" ] || verdict "done"
# Whoever puts something into it just now keeps it.
said=$(rmdir -- "./$base" 2>&1) || case $said in
  *': Directory not empty' | *': No such file or directory') verdict "done" ;;
  *) verdict io "$said" ;;
esac
# It is gone, and nobody knows whether it stays so.
to_disk . || verdict unsure "$said"
verdict "done"
