#!/bin/sh
# All stages, with what they need beside Python, its packages, the GPU's driver and the C library.
#   run.sh [--out FOLDER] [--only STAGE] [--patience N] [--quick] [--allow-software]; --help has more
# Only what the shell has built in is used: the machine may have no other program.
case $0 in
*/*) here=${0%/*} ;;
*) here=. ;;
esac
here=$(cd "$here" && pwd) || exit 1
node="$here/bin/node"

# Libraries of this folder come after those of the caller and before those of the system, and only where the system's do not do.
add() {
  LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib/$1"
  export LD_LIBRARY_PATH
}
loads() { "$node" "$here/app/loads.cjs" "$1" 2>/dev/null; }

loads "$here/app/node_modules/webgpu/dist/linux-x64/dawn.node" || add gcc
loads libvulkan.so.1 || add vulkan

# Vulkan finds drivers by files that containers often lack; and NVIDIA's usual library wants those of X11, its other one does not.
if [ -z "${VK_ICD_FILENAMES-}${VK_DRIVER_FILES-}" ]; then
  known=
  for file in /etc/vulkan/icd.d/nvidia*.json /usr/share/vulkan/icd.d/nvidia*.json /usr/local/share/vulkan/icd.d/nvidia*.json; do
    [ -e "$file" ] && known=$file
  done
  if loads libGLX_nvidia.so.0; then
    [ -n "$known" ] || VK_ICD_FILENAMES="$here/icd/libGLX_nvidia.json"
  elif loads libEGL_nvidia.so.0; then
    VK_ICD_FILENAMES="$here/icd/libEGL_nvidia.json"
  fi
  [ -z "${VK_ICD_FILENAMES-}" ] || export VK_ICD_FILENAMES
fi

exec "$node" "$here/app/engine/pipeline.mjs" "$@"
