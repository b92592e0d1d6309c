// State files: all that training goes on from, as raw numbers, little-endian.
//
//     int64 with moments (0 or 1)   int64 steps   float64 bytes trained on
//     float32 arrays: weights and, with moments, first and second moment of each parameter; the tables come last
//
// `state.mjs` makes them from models, and checkpoints from them.
#pragma once
#include <string>
#include <vector>
#include "network.hpp"

struct StateHeader {
  int64_t moments, steps;
  double bytes;
};
static_assert(sizeof(StateHeader) == 24, "the header has no gaps");

/** Writes a file under another name first, so that whatever has the final name is whole. */
class StateWriter {
 public:
  explicit StateWriter(const std::string& path)
      : path_(path), part_(path + ".part"), file_(fopen(part_.c_str(), "wb")) {
    if (file_ == nullptr) fail("%s cannot be written", part_.c_str());
  }

  void write(const void* from, size_t bytes) {
    if (fwrite(from, 1, bytes, file_) != bytes) fail("%s cannot be written: is the disk full?", part_.c_str());
  }

  void finish() {
    if (fclose(file_) != 0) fail("%s cannot be written: is the disk full?", part_.c_str());
    if (rename(part_.c_str(), path_.c_str()) != 0) fail("%s cannot be replaced", path_.c_str());
  }

 private:
  std::string path_, part_;
  FILE* file_;
};

/** Reads the header of a state and checks that so many numbers of 4 bytes can follow. */
inline FILE* openState(const std::string& path, StateHeader& header, size_t& numbers) {
  FILE* file = fopen(path.c_str(), "rb");
  if (file == nullptr) fail("the state %s cannot be read", path.c_str());
  fseek(file, 0, SEEK_END);
  const long size = ftell(file);
  rewind(file);
  if (size < static_cast<long>(sizeof header) || fread(&header, sizeof header, 1, file) != 1 ||
      (header.moments != 0 && header.moments != 1) || size % 4 != 0)
    fail("%s is no state", path.c_str());
  numbers = (size - sizeof header) / 4;
  return file;
}

inline void readNumbers(FILE* file, const std::string& path, float* to, size_t count) {
  if (fread(to, sizeof(float), count, file) != count) fail("%s cannot be read", path.c_str());
}

/** The parameters in the order of the file. */
inline std::vector<Parameter*> parametersOf(Network& network) {
  std::vector<Parameter*> parameters;
  for (Parameter* parameter : network.dense()) parameters.push_back(parameter);
  parameters.push_back(&network.tables);
  return parameters;
}

inline StateHeader readState(const std::string& path, Network& network) {
  StateHeader header;
  size_t found, expected = 0;
  FILE* file = openState(path, header, found);
  for (const Parameter* parameter : parametersOf(network)) expected += parameter->size * (header.moments ? 3 : 1);
  if (found != expected)
    fail("%s is the state of another network: it has %zu numbers, the setup's has %zu", path.c_str(), found,
         expected);
  for (Parameter* parameter : parametersOf(network)) {
    readNumbers(file, path, parameter->weights, parameter->size);
    if (!header.moments) continue;
    readNumbers(file, path, parameter->first, parameter->size);
    readNumbers(file, path, parameter->second, parameter->size);
  }
  fclose(file);
  return header;
}

inline void writeState(const std::string& path, Network& network, int64_t steps, double bytes) {
  StateWriter writer(path);
  const StateHeader header = {1, steps, bytes};
  writer.write(&header, sizeof header);
  for (const Parameter* parameter : parametersOf(network))
    for (const float* array : {parameter->weights, parameter->first, parameter->second})
      writer.write(array, parameter->size * sizeof(float));
  writer.finish();
}

/** Writes the mean of states, element by element, moments included. Steps are those of the first. */
inline void mergeStates(const std::string& out, const std::vector<std::string>& paths) {
  constexpr size_t CHUNK = 1 << 22;
  std::vector<FILE*> files;
  StateHeader merged = {0, 0, 0};
  size_t numbers = 0;
  for (const std::string& path : paths) {
    StateHeader header;
    size_t count;
    files.push_back(openState(path, header, count));
    if (files.size() == 1) {
      merged = {header.moments, header.steps, 0};
      numbers = count;
    } else if (count != numbers || header.moments != merged.moments) {
      fail("%s is the state of another network than %s", path.c_str(), paths[0].c_str());
    }
    merged.bytes += header.bytes / paths.size();
  }
  StateWriter writer(out);
  writer.write(&merged, sizeof merged);
  std::vector<float> values(CHUNK);
  std::vector<double> sums(CHUNK);
  for (size_t done = 0; done < numbers; done += CHUNK) {
    const size_t count = std::min(CHUNK, numbers - done);
    std::fill(sums.begin(), sums.end(), 0.0);
    for (size_t i = 0; i < files.size(); i++) {
      readNumbers(files[i], paths[i], values.data(), count);
      for (size_t k = 0; k < count; k++) sums[k] += values[k];
    }
    for (size_t k = 0; k < count; k++) values[k] = static_cast<float>(sums[k] / files.size());
    writer.write(values.data(), count * sizeof(float));
  }
  writer.finish();
  for (FILE* file : files) fclose(file);
}
