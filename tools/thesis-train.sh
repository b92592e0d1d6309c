#!/bin/sh
# Trains one of the Transformers of docs/reproduction.md in three runs, short segments first, and exports it; the largest in a
# fourth, from the exported model:
#
#     tools/thesis-train.sh POSITIONS SIZE TEXTS OUT
#
# POSITIONS is sinusoidal or rotary, SIZE 1M, 10M or 100M, TEXTS the folder that tools/thesis-text.mjs wrote. Checkpoints are
# kept in OUT, and what is done is not done again. ARGS in the environment are more flags of `lmz train`, such as --threads 1.
set -e
positions=$1 size=$2 texts=$3 out=$4
name=$positions-$size
case $size in
  # The share that 100,000 bytes are of the text.
  1M) held=0.0909091 network='--layers 1 --heads 1' short=3000320 middle=500000 long=300000 ;;
  10M) held=0.009901 network='--layers 1 --heads 1' short=3000320 middle=500000 long=300000 ;;
  100M) held=0.000999002 network='--layers 4 --heads 4' short=40000000 middle=6000000 long=3200000 ;;
  *) echo "unknown size $size" >&2; exit 1 ;;
esac
train() {
  stage=$1
  shift
  # A run with a checkpoint goes on instead of beginning from the run before.
  if [ -f "$out/$name-$stage/checkpoint.bin" ]; then from=--resume; else from=$1; fi
  shift
  node dist/cli/main.js train --network transformer $network --positions "$positions" --init-scale 0.1 \
    --data "enwik-like=1:$texts/enwik-like-$size.txt" --held $held --block 2048 --seed 1 \
    --lr 4e-3 --warmup 300 --inverse-bytes 6M --validate-bytes 100K \
    --checkpoint "$out/$name-$stage" $from $ARGS "$@"
}
if [ ! -f "$out/$name-512/checkpoint.bin" ]; then
  train 128 '' --schedule constant --batch 10 --sequence 128 --bytes $short --validate-every 500K
fi
if [ ! -f "$out/$name-2048/checkpoint.bin" ]; then
  train 512 "--from $out/$name-128" --decay-bytes $((middle + long)) --batch 4 --sequence 512 \
    --bytes $((short + middle)) --validate-every 250K
fi
if [ ! -f "$out/$name.onnx" ]; then
  train 2048 "--from $out/$name-512" --batch 1 --sequence 2048 --validate-every 150K \
    --name "$name" --out "$out/$name.onnx"
fi
if [ "$size" = 100M ]; then
  if [ -f "$out/$name-more/checkpoint.bin" ]; then from=--resume; else from="--init $out/$name.onnx"; fi
  node dist/cli/main.js train --data "enwik-like=1:$texts/enwik-like-$size.txt" --held $held --block 2048 --seed 2 \
    --batch 1 --sequence 2048 --lr 3e-4 --warmup 100 --schedule cosine --bytes 2M --validate-every 250K --validate-bytes 100K \
    --checkpoint "$out/$name-more" $from $ARGS --name "$name" --out "$out/$name-more.onnx"
fi
