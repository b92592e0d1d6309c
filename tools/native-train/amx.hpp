// Matrix products of bfloat16 numbers on AMX tiles, summed in float32, and what brings matrices into their layout.
#pragma once
#include <cpuid.h>
// GCC 12 takes the headers' own undefined registers for mistakes (https://gcc.gnu.org/PR105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#include <sys/syscall.h>
#include <unistd.h>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "errors.hpp"

/** The upper half of a float32. */
using bf16 = uint16_t;

/** Floats in an AVX-512 register. */
constexpr int VECTOR = 16;
/** Rows and columns that `multiply` computes at once, and products that a tile sums: all sizes are multiples. */
constexpr int BLOCK = 32;
/** Numbers of a tile of bfloat16. */
constexpr int TILE = 16 * BLOCK;

/** Zeros, aligned for vectors and tiles. They live as long as the program. */
template <class T>
T* allocate(size_t count) {
  const size_t bytes = (count * sizeof(T) + 4095) / 4096 * 4096;
  void* memory = aligned_alloc(64, bytes);
  if (memory == nullptr) fail("no memory for %zu bytes", bytes);
  memset(memory, 0, bytes);
  return static_cast<T*>(memory);
}

// --- Tiles ---

/** The operand of LDTILECFG. */
struct __attribute__((packed)) TileConfig {
  uint8_t palette, startRow, reserved[14];
  uint16_t bytesPerRow[16];
  uint8_t rows[16];
};

/** Whether the processor multiplies tiles of bfloat16. */
inline bool hasTiles() {
  constexpr unsigned AMX_BF16 = 1u << 22, AMX_TILE = 1u << 24;
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return (d & AMX_BF16) && (d & AMX_TILE);
}

/** Makes all eight tiles 16 rows of 64 bytes. Linux gives a process the tiles only when it asks for them. */
inline void enableTiles() {
  constexpr int ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
  if (!hasTiles()) fail("this processor has no AMX for bfloat16; `lmz train` trains without");
  if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) != 0)
    fail("the processor has AMX, but the kernel (or virtual machine) does not let it be used");
  TileConfig config = {};
  config.palette = 1;
  for (int tile = 0; tile < 8; tile++) {
    config.bytesPerRow[tile] = 64;
    config.rows[tile] = 16;
  }
  // GCC 12 says that this reads eight bytes, and leaves out the stores to the others.
  asm volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

// --- bfloat16 ---

/** Rounds to nearest, ties to even: the bfloat16 are the upper halves. Lower halves are left as they come. */
inline __m512i roundUpperHalves(__m512 values) {
  const __m512i bits = _mm512_castps_si512(values);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
}

/** Sixteen numbers, rounded. */
inline void storeBf16(bf16* to, __m512 values) {
  const __m256i rounded = _mm512_cvtepi32_epi16(_mm512_srli_epi32(roundUpperHalves(values), 16));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded);
}

/** Sixteen numbers in the lower halves of words. */
inline __m512i loadHalves(const bf16* from) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

inline __m512 loadBf16(const bf16* from) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(loadHalves(from), 16));
}

/** @param count - a multiple of 16. */
inline void roundToBf16(const float* from, bf16* to, size_t count) {
  for (size_t i = 0; i < count; i += VECTOR) storeBf16(to + i, _mm512_load_ps(from + i));
}

// --- Layouts ---

/** Where the pair of rows `row` and `row + 1`, from a column that is a multiple of 16, is in a packed matrix. */
inline size_t packedAt(int rows, int row, int column) {
  const size_t tile = static_cast<size_t>(column / 16) * (rows / BLOCK) + row / BLOCK;
  return tile * TILE + row % BLOCK / 2 * 32;
}

/**
 * The right operand of `multiply`: tiles with pairs of rows interleaved, as TDPBF16PS reads them.
 *
 * @param from - [rows, columns], a row every `stride` numbers
 * @param to - [columns / 16, rows / 32, 16, 16, 2]
 */
inline void pack(const float* from, int rows, int columns, int stride, bf16* to) {
  for (int column = 0; column < columns; column += 16) {
    for (int row = 0; row < rows; row += 2) {
      const float* pair = from + static_cast<size_t>(row) * stride + column;
      const __m512i even = _mm512_srli_epi32(roundUpperHalves(_mm512_loadu_ps(pair)), 16);
      const __m512i odd = _mm512_and_si512(roundUpperHalves(_mm512_loadu_ps(pair + stride)),
                                           _mm512_set1_epi32(static_cast<int>(0xffff0000)));
      _mm512_store_si512(to + packedAt(rows, row, column), _mm512_or_si512(even, odd));
    }
  }
}

/** The same of a matrix that is bfloat16 already. */
inline void pack(const bf16* from, int rows, int columns, int stride, bf16* to) {
  for (int column = 0; column < columns; column += 16) {
    for (int row = 0; row < rows; row += 2) {
      const bf16* pair = from + static_cast<size_t>(row) * stride + column;
      const __m512i odd = _mm512_slli_epi32(loadHalves(pair + stride), 16);
      _mm512_store_si512(to + packedAt(rows, row, column), _mm512_or_si512(loadHalves(pair), odd));
    }
  }
}

/**
 * Packs the transpose.
 *
 * @param from - [columns, rows], a row every `stride` numbers
 */
inline void packTransposed(const float* from, int rows, int columns, int stride, bf16* to) {
  std::vector<float> transposed(static_cast<size_t>(rows) * columns);
  for (int column = 0; column < columns; column++) {
    const float* source = from + static_cast<size_t>(column) * stride;
    for (int row = 0; row < rows; row++) transposed[static_cast<size_t>(row) * columns + column] = source[row];
  }
  pack(transposed.data(), rows, columns, columns, to);
}

/**
 * The left operand of a gradient of weights.
 *
 * @param from - [rows, columns], without gaps
 * @param to - [columns, rows]
 */
inline void transpose(const bf16* from, int rows, int columns, bf16* to) {
  for (int column = 0; column < columns; column += BLOCK) {
    for (int row = 0; row < rows; row += BLOCK) {
      alignas(64) bf16 block[BLOCK][BLOCK];
      for (int r = 0; r < BLOCK; r++) {
        const bf16* source = from + static_cast<size_t>(row + r) * columns + column;
        for (int c = 0; c < BLOCK; c++) block[c][r] = source[c];
      }
      for (int c = 0; c < BLOCK; c++)
        memcpy(to + static_cast<size_t>(column + c) * rows + row, block[c], sizeof block[c]);
    }
  }
}

// --- Product ---

/** Whether a product replaces what was there or is added to it. */
enum class Product { SET, ADD };

/**
 * C = A B or C += A B; M, N and K are multiples of 32.
 *
 * @param a - [M, K], a row every `strideA` numbers
 * @param b - [K, N], packed
 * @param c - [M, N], a row every `strideC` numbers
 */
__attribute__((noinline)) inline void multiply(int M, int N, int K, const bf16* a, int strideA, const bf16* b,
                                               float* c, int strideC, Product product) {
  // GCC does not say of its tile loads that they read memory.
  asm volatile("" ::: "memory");
  const size_t panel = static_cast<size_t>(K / BLOCK) * TILE;
  const long bytesA = strideA * 2L, bytesC = strideC * 4L;
  for (int n = 0; n < N; n += BLOCK) {
    const bf16 *left = b + n / 16 * panel, *right = left + panel;
    for (int m = 0; m < M; m += BLOCK) {
      // Four tiles of sums from two of each operand: every tile that is loaded is used twice.
      const bf16* upper = a + static_cast<size_t>(m) * strideA;
      const bf16* lower = upper + 16 * static_cast<size_t>(strideA);
      float* sums = c + static_cast<size_t>(m) * strideC + n;
      float* lowerSums = sums + 16 * static_cast<size_t>(strideC);
      if (product == Product::ADD) {
        _tile_loadd(0, sums, bytesC);
        _tile_loadd(1, sums + 16, bytesC);
        _tile_loadd(2, lowerSums, bytesC);
        _tile_loadd(3, lowerSums + 16, bytesC);
      } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
      }
      for (int k = 0; k < K; k += BLOCK) {
        _tile_loadd(4, upper + k, bytesA);
        _tile_loadd(5, lower + k, bytesA);
        _tile_loadd(6, left + static_cast<size_t>(k) * 16, 64);
        _tile_loadd(7, right + static_cast<size_t>(k) * 16, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      _tile_stored(0, sums, bytesC);
      _tile_stored(1, sums + 16, bytesC);
      _tile_stored(2, lowerSums, bytesC);
      _tile_stored(3, lowerSums + 16, bytesC);
    }
  }
}
