// The command line.
#pragma once
#include <unistd.h>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include "errors.hpp"

constexpr const char* HELP =
    R"(Trains lmz's recurrent network natively: one thread, bfloat16 products on AMX tiles.

  native-train --state IN --setup SETUP --text DIR --data NAME=WEIGHT ... --out OUT [flags]
  native-train ... --dump FILE      writes a training step for compare.mjs instead
  native-train --merge OUT IN ...   writes the mean of states

Without --out and --dump it only validates. Steps are 32 lanes of 64 bytes.

  --state IN             the state to go on from (state.mjs init, or an earlier --out)
  --setup SETUP          the network (state.mjs init)
  --text DIR             folder of NAME.train and NAME.valid (state.mjs text)
  --data NAME=WEIGHT     a category and its share of the lanes; 0: only validated (repeatable)
  --out OUT              the state to write: every 20 MB, at the end, and on SIGINT or SIGTERM
  --bytes N (1e9)        stop when so many bytes have been trained on, those before IN included
  --lr RATE (5e-4)       learning rate; the tables' is twice that
  --warmup STEPS (200)   steps of this run in which the rate rises
  --decay-from BYTES     from here to --bytes the rate falls by a half cosine (no decay)
  --floor SHARE (0.02)   to this share of it
  --drop SHARE (0)       share of the tables' rows left out at random; what is kept is scaled up
  --carry SHARE (0)      share of the pieces that a lane begins with the state of the piece before, as in a file of several texts
  --seed N (0)           order of the text and what is left out
  --validate-every BYTES (16e6)
  --validate-bytes BYTES (262144)   of each category, from its start
  --help
)";

struct Options {
  std::string state, out, setup, text, dump;
  std::vector<std::pair<std::string, double>> data;
  double rate = 5e-4, bytes = 1e9, decayFrom = 1e18, floor = 0.02, drop = 0, carry = 0;
  long warmup = 200;
  uint32_t seed = 0;
  double validateEvery = 16e6;
  size_t validateBytes = 262144;
  /** Where states are merged: the one to write, then the others. */
  std::vector<std::string> merge;
};

/** A number from `low` on, up to `high`. */
inline double numberOf(const std::string& flag, const std::string& value, double low, double high) {
  char* end;
  const double number = strtod(value.c_str(), &end);
  if (value.empty() || *end != 0 || !(number >= low && number <= high))
    fail("%s %s: expected a number from %g to %g", flag.c_str(), value.c_str(), low, high);
  return number;
}

inline long wholeOf(const std::string& flag, const std::string& value, double low, double high) {
  const double number = numberOf(flag, value, low, high);
  if (number != static_cast<double>(static_cast<long>(number)))
    fail("%s %s: expected a whole number", flag.c_str(), value.c_str());
  return static_cast<long>(number);
}

inline std::pair<std::string, double> dataOf(const std::string& value) {
  const size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0) fail("--data %s: expected NAME=WEIGHT", value.c_str());
  return {value.substr(0, equals), numberOf("--data", value.substr(equals + 1), 0, 1e9)};
}

inline void setOption(Options& options, const std::string& flag, const std::string& value) {
  constexpr double MOST = 1e18;
  if (flag == "--state") options.state = value;
  else if (flag == "--out") options.out = value;
  else if (flag == "--setup") options.setup = value;
  else if (flag == "--text") options.text = value;
  else if (flag == "--dump") options.dump = value;
  else if (flag == "--data") options.data.push_back(dataOf(value));
  else if (flag == "--lr") options.rate = numberOf(flag, value, 0, 1);
  else if (flag == "--bytes") options.bytes = numberOf(flag, value, 0, MOST);
  else if (flag == "--decay-from") options.decayFrom = numberOf(flag, value, 0, MOST);
  else if (flag == "--floor") options.floor = numberOf(flag, value, 0, 1);
  else if (flag == "--warmup") options.warmup = wholeOf(flag, value, 0, 1e9);
  else if (flag == "--drop") options.drop = numberOf(flag, value, 0, 0.99);
  else if (flag == "--carry") options.carry = numberOf(flag, value, 0, 1);
  else if (flag == "--seed") options.seed = static_cast<uint32_t>(wholeOf(flag, value, 0, 4294967295.0));
  else if (flag == "--validate-every") options.validateEvery = numberOf(flag, value, 1, MOST);
  else if (flag == "--validate-bytes") options.validateBytes = wholeOf(flag, value, 1, 1e12);
  else fail("unknown flag %s (--help lists them)", flag.c_str());
}

/** Training for hours must not end with a file that cannot be written. */
inline void checkWritable(const char* flag, const std::string& path) {
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  if (access(folder.empty() ? "." : folder.c_str(), W_OK) != 0)
    fail("%s %s: its folder is not there or cannot be written", flag, path.c_str());
}

inline Options parseOptions(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; i++) {
    const std::string flag = arguments[i];
    if (flag == "--help" || flag == "-h") {
      fputs(HELP, stdout);
      exit(0);
    }
    if (flag == "--merge") {
      if (i != 1) fail("--merge must come first: native-train --merge OUT IN ...");
      options.merge.assign(arguments + 2, arguments + count);
      if (options.merge.size() < 2)
        fail("--merge needs a file to write and states: native-train --merge OUT IN ...");
      for (const std::string& path : options.merge)
        if (path[0] == '-') fail("--merge takes no flags, but got %s", path.c_str());
      return options;
    }
    if (i + 1 == count) fail("%s needs a value, or is no flag (--help lists them)", flag.c_str());
    setOption(options, flag, arguments[++i]);
  }
  const std::pair<const char*, const std::string*> needed[] = {
      {"--state", &options.state}, {"--setup", &options.setup}, {"--text", &options.text}};
  for (const auto& [flag, value] : needed)
    if (value->empty()) fail("%s is missing (--help lists the flags)", flag);
  if (options.data.empty()) fail("--data is missing: at least one NAME=WEIGHT");
  if (!options.out.empty() && !options.dump.empty()) fail("--dump and --out exclude each other");
  checkWritable("--out", options.out);
  checkWritable("--dump", options.dump);
  if (options.decayFrom < 1e18 && options.decayFrom >= options.bytes)
    fail("--decay-from %g is not before the end, --bytes %g", options.decayFrom, options.bytes);
  return options;
}
