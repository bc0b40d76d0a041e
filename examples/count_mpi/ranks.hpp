// What this program asks of MPI: who am I, do we all read the same, and the sum of all counts.
#pragma once

#include "cells.hpp"
#include "shards.hpp"

#define OMPI_SKIP_MPICXX 1  // the C interface alone
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace fissile::count_mpi {

/// From MPI_Init to MPI_Finalize. An error within MPI, as a rank that dies, ends all ranks: nothing is written then.
class ranks {
public:
  ranks(int& count, char**& words) { MPI_Init(&count, &words); }
  ranks(const ranks&) = delete;
  ranks& operator=(const ranks&) = delete;
  ~ranks() { MPI_Finalize(); }

  shard mine() const {
    int rank = 0, size = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return {rank, size};
  }

  /// Throws setting_error on all ranks unless all bring the same number.
  void agree(std::uint64_t number, const std::string& on) const {
    std::uint64_t least = 0, most = 0;
    MPI_Allreduce(&number, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(&number, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    if (least == most) return;
    fail<setting_error>({.argument = "ranks",
                         .expected = "the same " + on + " on every machine",
                         .got = "others",
                         .cure = "copy model and texts anew, and give the same words to all"});
  }

  // [reduce]
  /// On rank 0 `counts` become those of all ranks; their reduction is the counters' own merge.
  void sum_on_first(activation_counts& counts) const {
    const auto each = static_cast<int>(words_of_cell(counts.experts(0)));
    MPI_Datatype cell;
    MPI_Type_contiguous(each, MPI_UINT64_T, &cell);
    MPI_Type_commit(&cell);
    MPI_Op merge;
    MPI_Op_create(merge_as_mpi, 1, &merge);
    const std::vector<std::uint64_t> part = to_words(counts);
    std::vector<std::uint64_t> sum(part.size());
    const auto cells = static_cast<int>(part.size()) / each;
    MPI_Reduce(part.data(), sum.data(), cells, cell, merge, 0, MPI_COMM_WORLD);
    MPI_Op_free(&merge);
    MPI_Type_free(&cell);
    if (mine().number == 0) from_words(sum, counts);
  }
  // [reduce]

  /// All ranks end, with this status.
  [[noreturn]] static void abort(int status) {
    MPI_Abort(MPI_COMM_WORLD, status);
    std::abort();
  }

private:
  static void merge_as_mpi(void* from, void* into, int* cells, MPI_Datatype* cell) {
    int bytes = 0;
    MPI_Type_size(*cell, &bytes);
    merge_cells(static_cast<const std::uint64_t*>(from), static_cast<std::uint64_t*>(into), *cells,
                bytes / static_cast<int>(sizeof(std::uint64_t)));
  }
};

}  // namespace fissile::count_mpi
