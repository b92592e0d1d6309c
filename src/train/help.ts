/**
 * What `lmz train --help` says.
 *
 * @module
 */

/** The text of `lmz train --help`. */
export const TRAIN_HELP = `\
Usage: lmz train --data WHAT... --out MODEL.onnx [--minutes N | --bytes N] [OPTION]...
Trains a byte-level network, exports it as an exact model, and draws the loss curve beside it
(.svg, .html, .curve.json). Ctrl-C saves and ends; --resume goes on as if nothing had been.

Text
  --data WHAT...         files, folders (.gz and .br are unpacked), or data sets by name: enwik6, enwik7,
                         enwik8, enwik9, calgary, book1+book2, large. PATH=WEIGHT and
                         NAME=WEIGHT:PATH,PATH make categories, which share the lanes by weight
  --held SHARE           kept for validation, at the end of each file (0.015)
  --corpora DIR          folder of data sets (~/.cache/lmz/corpora)
  --enwik FILE           enwik9 as a local file (.zip, .gz, .br, plain) or another address of its zip
  --cache DIR            folder of unpacked files (~/.cache/lmz/text)
Network
  --network NAME         recurrent (default) or transformer
  --width N              width of the embedding rows (64)
  --cell gru|minimal --units N (256) --hidden N (128; 0 for none) --no-direct
  --contexts LIST --rows LIST          tables of the recurrent network
  --layers N (4) --heads N (8) --widening N (4) --positions sinusoidal|rotary --context N (2048)
  --init-scale X         deviation of the weights at the start
Training
  --init MODEL           start from a model, by name or path, with its network: tuning to your own files
  --preset thesis        the settings of the thesis: 1,000,000 steps of 32 x 2048 bytes, Adam at 1e-4
  --batch N (32) --sequence N (64) --block BYTES (64K) --sampling blocks|random --seed N (1)
  --bytes N, --steps N, --minutes N    where it ends; without any, when you stop it
  --lr RATE (2e-3) --warmup STEPS (200) --clip NORM (1) --table-rate FACTOR (2; transformer 0.2)
  --schedule KIND        auto (default): a cosine to the end, or a decay in the last part of the minutes;
                         constant; cosine
  --inverse-bytes N      let the rate fall by 1 / sqrt(1 + bytes / N) besides
  --decay-bytes N        let it fall from here on, and end after so many bytes
  --decay-share SHARE (0.4) --decay-floor SHARE (0.02)
Files
  -o, --out MODEL        the model to write        --name NAME    in its metadata
  --checkpoint DIR       (MODEL without .onnx, then .checkpoint)
  --resume               go on from the checkpoint
  --from DIR             go on from a copy of another; --batch, --sequence, --block, --seed may change, and
                         --units and --hidden grow (with --init too): new ones lead nowhere at first
  --checkpoint-minutes N (5) --validate-every BYTES (8M) --validate-bytes N (262144)
  --config FILE.json     any of these, by the same names; flags win
  --compare FILE.json    train each of a list of settings, write one table of them to --out TABLE.md
Machine
  --engine ort|tfjs      onnxruntime on processors, or TensorFlow.js on a GPU (@tensorflow/tfjs-node-gpu
                         or @tensorflow/tfjs-node, to be installed beside lmz)
  --threads N            (0: one per core)         --watts N      for an estimate of the energy
Numbers take K, M, G (thousands).
`;
