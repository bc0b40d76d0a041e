// The only place where the version is written; the build and the package read it from here.
#pragma once

#define FISSILE_VERSION_MAJOR 0
#define FISSILE_VERSION_MINOR 1
#define FISSILE_VERSION_PATCH 0
