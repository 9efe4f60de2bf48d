# Make the key and the header of a LUKS volume in files, and print the header in base 64. The disk is not touched.
# $1: name; $2: device; standard input: the passphrase for the day on which the key is lost.
exec 3>&1 >&2 # for cryptsetup warns where it should answer
name=$1 device=$2
make_key "$name.key" 64

# A run that was interrupted may have begun to write a header to the disk: the next one is known by the same UUID.
uuid=$(blkid --probe --output value --match-tag UUID "$name.header" || cat /proc/sys/kernel/random/uuid)
sector=512
if [ "$(blockdev --getpbsz "$device")" -ge 4096 ] && [ $(($(blockdev --getsize64 "$device") % 4096)) = 0 ]; then
  sector=4096
fi

# The key is 64 random bytes and the passphrase has more than 200 bits: nobody guesses either, and a slow derivation
# would only make every start slower. The header takes 1 MiB, with room for three keys; the data begins at 16 MiB, as always.
cheap='--pbkdf pbkdf2 --pbkdf-force-iterations 1000'
rm -f "$name.draft" "$name.header.new"
truncate --size 32M "$name.draft"
cryptsetup luksFormat --batch-mode --type luks2 --cipher aes-xts-plain64 --key-size 512 --sector-size "$sector" \
  --luks2-metadata-size 16k --luks2-keyslots-size 1015808 --offset 32768 --label "$name" --uuid "$uuid" \
  $cheap --key-file "$name.key" "$name.draft"
cryptsetup luksAddKey --batch-mode $cheap --key-file "$name.key" "$name.draft"
cryptsetup luksHeaderBackup --header-backup-file "$name.header.new" "$name.draft"
rm "$name.draft"
chmod 0400 "$name.header.new"
sync "$name.header.new"
mv "$name.header.new" "$name.header"
base64 --wrap 0 "$name.header" >&3
