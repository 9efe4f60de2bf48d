# Make the key of a dataset, and print it in base 64. $1: the name of its file.
make_key "$1" 32
base64 --wrap 0 "$1"
