#!/bin/sh
# Makes demo.mp4, demo.webm and the posters again: picture and music come from scripts/demo-clip,
# ffmpeg adds the clock and encodes. Only this script needs ffmpeg and the font (Debian: ffmpeg,
# fonts-inter); the results are committed. Takes a few minutes on two cores.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
font=${FONT:-/usr/share/fonts/opentype/inter/Inter-Regular.otf}
[ -r "$font" ] || { echo "make-demo: no font at $font (Debian: fonts-inter)" >&2; exit 1; }
command -v ffmpeg >/dev/null || {
  echo "make-demo: ffmpeg is missing (Debian: ffmpeg)" >&2
  exit 1
}

work=$(mktemp -d)
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT

draw() { sh "$root/ovation/bin/bun" "$root/scripts/demo-clip/draw.ts" "$@"; }

# One character of the clock, in a cell of its own, so that the digits do not move: X, text.
cell() {
  printf ",drawtext=fontfile=%s:fontsize=24:fontcolor=white@0.82:x=%s-tw/2:y=664:text='%s'" \
    "$font" "$1" "$2"
}
clock="drawtext=fontfile=$font:fontsize=22:fontcolor=0xff4d5e:x=562-tw/2:y=663"
clock="$clock:text='●':alpha='max(0.12,1-1.3*mod(t,1))'"
clock="$clock$(cell 588 '%{eif\:trunc(t/600)\:d}')"
clock="$clock$(cell 604 '%{eif\:mod(trunc(t/60),10)\:d}')$(cell 616 '\:')"
clock="$clock$(cell 628 '%{eif\:trunc(mod(t,60)/10)\:d}')"
clock="$clock$(cell 644 '%{eif\:mod(trunc(t),10)\:d}')$(cell 656 '\:')"
clock="$clock$(cell 668 '%{eif\:trunc(mod(n,25)/10)\:d}')$(cell 684 '%{eif\:mod(mod(n,25),10)\:d}')"

echo "music…"
draw music "$work/music.wav"
echo "picture…"
draw picture | ffmpeg -y -loglevel error -f rawvideo -pix_fmt rgb24 -s 1280x720 -r 25 -i - \
  -vf "$clock" -c:v libx264 -preset ultrafast -qp 4 -pix_fmt yuv420p "$work/master.mkv"

# Two passes, so that the size is known before: 32 s × (390 + 56) kbit/s is 1.8 MB.
echo "demo.mp4…"
for pass in 1 2; do
  case $pass in 1) target="-an -f null /dev/null" ;; 2) target="$here/demo.mp4" ;; esac
  # shellcheck disable=SC2086
  ffmpeg -y -loglevel error -i "$work/master.mkv" -i "$work/music.wav" \
    -pass $pass -passlogfile "$work/x264" \
    -c:v libx264 -preset slower -b:v 390k -aq-mode 3 -g 125 -pix_fmt yuv420p \
    -c:a aac -b:a 56k -movflags +faststart -map_metadata -1 $target
done

echo "demo.webm…"
for pass in 1 2; do
  case $pass in 1) target="-an -f null /dev/null" ;; 2) target="$here/demo.webm" ;; esac
  # shellcheck disable=SC2086
  ffmpeg -y -loglevel error -i "$work/master.mkv" -i "$work/music.wav" \
    -pass $pass -passlogfile "$work/vp9" \
    -c:v libvpx-vp9 -deadline good -cpu-used 2 -row-mt 1 -threads 2 -b:v 380k -g 125 \
    -pix_fmt yuv420p \
    -c:a libopus -b:a 48k -map_metadata -1 $target
done

# FRAME, FILTER, FILE: one frame, without the clock.
poster() {
  echo "$3…"
  draw picture "$1" $(($1 + 1)) |
    ffmpeg -y -loglevel error -f rawvideo -pix_fmt rgb24 -s 1280x720 -i - -vf "$2" -q:v 3 \
      -map_metadata -1 "$here/$3"
}
poster 500 null demo-poster.jpg
poster 180 hue=h=52:s=0.85 demo-poster-shore.jpg
poster 640 hue=h=112:s=0.8 demo-poster-hours.jpg

ls -l "$here"/demo*
