/**
 * What `lmz bench --help` says.
 *
 * @module
 */

/** The text of `lmz bench --help`. */
export const BENCH_HELP = `\
Usage: lmz bench --dataset LIST [--compressor LIST] [OPTION]...
Compresses data with lmz and with other compressors, decodes and compares it, and reports sizes, speeds
and memory. Compressors that are not installed are reported as missing.

What
  -d, --dataset LIST     enwik6 to enwik9, calgary, calgary-books (book1 and book2 as one file), book1+book2,
                         canterbury, large, SET/FILE (large/bible), image, audio, any files and folders
  -c, --compressor LIST  names of the table (--list shows it), rivals, levels, all (default); MODEL.onnx or
                         NAME@MODEL: an entry of lmz with a model, such as lmz-lm@model.onnx
  --protocol KIND        whole (default), chunked or both: the input at once, or cut into chunks that need
                         nothing of each other, as DeepMind's code does
  --chunk-size SIZE      bytes of such a chunk (2048); asks for the chunked protocol
  --num-chunks N         only so many chunks from the beginning of every input, in both protocols
  --corpora DIR          folder of data sets (LMZ_CORPORA, else ~/.cache/lmz/corpora)
  --enwik FILE           enwik9 as a local file, or another address of its zip
How
  --rounds N             rounds of encoding and decoding, at most (3); medians are reported
  --seconds N            no round begins after so many (60)
  --nice N               run at lower priority: 0 (default) to 19
  --cache FILE           keep rivals' results there, and use those that are there: sizes do not change,
                         speeds are then those of another run
Output
  --per-file             a row for each file and a column for each compressor
  -o, --out BASE         write BASE.md, BASE.csv and BASE.json besides
  --html FILE            a page: ratio against speed, bars by file, learning curves
  --curve LIST           learning curves (MODEL.curve.json of lmz train) for that page
  --check FILE.json      compare with an earlier report: fail where a size has grown
  --list                 the compressors, and which are missing here
  -q, --quiet            no progress

Raw rate: coded bytes over bytes. Adjusted: the model's bytes added once. With chunks, everything is
counted, and beside it what DeepMind's code counts, headers once. Speeds also come as ratios to gzip -9
(Node's zlib) in the same round. Memory: largest resident set of the program, or of the process around
a library. Exit status: 0 all decoded, 1 something failed, differed or grew.
`;
