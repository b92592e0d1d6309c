/**
 * What `lmz --help` says. It fits a terminal of 24 lines and 80 columns, and a test holds that.
 *
 * @module
 */

/** The text of `lmz --help`. */
export const HELP = `\
Usage: lmz [OPTION]... [FILE | FOLDER]...     (no FILE, or -: standard input)
Compress FILE to FILE.lmz, and FOLDER to FOLDER.tar.lmz. Sources are kept.
 -1 ... -9            fastest ... smallest (-6); -1 to -5 use no language model
 -d, --decompress     restore the file or folder   -z, --compress   (default)
 -t, --test           decode, write nothing        -l, --list    show sizes
 -c, --stdout         write to standard output     -o, --output FILE
 -f, --force          overwrite; allow a terminal  -k, --keep    (default)
     --rm             remove the source after success; implies --verify
     --verify         decode and compare before the output gets its name
     --no-unpack      -d: a folder comes out as .tar   --unpack  any .tar too
 -m, --model MODEL    name or path of a model      --embed-model put it inside
 -T, --threads N      worker threads (0, the default: one per core)
 -M, --memlimit SIZE  memory: smaller tables; refuse to decode more (1G)
     --mode MODE      auto, lm, mix or stored      --engine E    see README.md
     --chunk-size SIZE   bytes (-6: 4M)            --lanes N     per chunk (1)
     --check KIND     xxh64 or sha256              --platform-bound
     --json           with -l, for programs
 -q, --quiet   -v, --verbose   -h, --help   -V, --version   --  ends options

Commands: lmz explain, lmz model, lmz train, lmz bench    (each has a --help)
SIZE takes K, M, G. Exit status: 0 done, 1 error, 2 something was skipped.
Examples: lmz book.txt     lmz -d book.txt.lmz     tar -I lmz -cf x.tar.lmz x
`;

/** The text of `lmz model --help`. */
export const MODEL_HELP = `\
Usage: lmz model info MODEL [--json]     what a model is, and its hash
       lmz model audit MODEL [--json]    prove that it computes the same bits
                                         on every machine, or say why not
MODEL is a name that lmz knows, or the path of an .onnx file.
`;

/** The text of `lmz explain --help`. */
export const EXPLAIN_HELP = `\
Usage: lmz explain [OPTION]... FILE
Shows where the bits go: what every byte of FILE costs when it is compressed,
and what it would cost by the network alone and by mixing alone. Of an lmz
file, the content is explained, as that file codes it.
     --html OUT       write a page: the text, every character coloured by its
                      bits, with what the network expected in its place
     --bytes SIZE     explain so many bytes (256K)
     --offset SIZE    from there on (0); coded from the beginning of the chunk
 -1 ... -9, --mode MODE, --chunk-size SIZE, --lanes N    as lmz compresses
 -m, --model MODEL    -T, --threads N   -M, --memlimit SIZE   --engine E
     --platform-bound
 -f, --force          overwrite OUT                  -q, --quiet    no progress
Costs are those of the very coder: added up, they are the size of the coded
chunks to within two bytes each and 0.01 %. Without --html, a summary.
`;
