package environment

import "strings"

// fate is what becomes of a conda package.
type fate int

const (
	isPackage fate = iota // the package index has it, perhaps by another name
	isPython              // the interpreter itself
	isDropped             // not needed outside conda
	isSystem              // not a Python package at all
	isAzure               // a client of Azure that has no work here
)

// fateOf says what becomes of the conda package name (in lower case), and its
// name on the Python package index, or for a dropped one the reason, if it is
// worth telling.
func fateOf(name string) (fate, string) {
	switch {
	case name == "python":
		return isPython, ""
	case name == "azureml-mlflow":
		return isAzure, "mlflow"
	case strings.HasPrefix(name, "azureml-"), name == "azure-ai-ml":
		return isAzure, ""
	case systemPackage(name):
		return isSystem, ""
	}
	if reason, dropped := droppedPackage(name); dropped {
		return isDropped, reason
	}
	if other, known := pypiName(name); known {
		return isPackage, other
	}
	return isPackage, name
}

// pypiName is the table of packages that conda calls by another name.
func pypiName(name string) (string, bool) {
	other, known := map[string]string{
		"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch",
		"torchvision-cpu": "torchvision", "torchaudio-cpu": "torchaudio",
		"tensorflow-base": "tensorflow", "tensorflow-gpu": "tensorflow",
		"opencv": "opencv-python-headless", "py-opencv": "opencv-python-headless",
		"matplotlib-base": "matplotlib", "py-xgboost": "xgboost", "py-xgboost-cpu": "xgboost",
		"py-lightgbm": "lightgbm", "dask-core": "dask", "msgpack-python": "msgpack",
		"pytables": "tables", "ruamel_yaml": "ruamel-yaml", "python-graphviz": "graphviz",
		"pyqt": "pyqt5", "python-kaleido": "kaleido", "prompt_toolkit": "prompt-toolkit",
		"importlib_metadata": "importlib-metadata", "typing_extensions": "typing-extensions",
		"brotli-python": "brotli", "brotlipy": "brotlicffi",
		"seaborn-base": "seaborn", "ipython_genutils": "ipython-genutils",
		"jupyter_client": "jupyter-client", "jupyter_core": "jupyter-core",
		"pyarrow-core": "pyarrow", "arrow-cpp": "pyarrow",
		"snappy-python": "python-snappy", "lz4-python": "lz4", "faiss": "faiss-cpu", "faiss-gpu": "faiss-cpu",
	}[name]
	return other, known
}

// droppedPackage says which packages conda needs and a wheel does not.
func droppedPackage(name string) (reason string, dropped bool) {
	switch name {
	case "cudatoolkit", "cuda-toolkit", "pytorch-cuda", "cudnn", "cpuonly", "pytorch-mutex", "nccl", "cuda-version":
		return "the wheels of the package index bring their own CUDA.", true
	case "mkl", "nomkl", "blas", "libblas", "libcblas", "liblapack", "openblas", "libopenblas", "intel-openmp", "llvm-openmp", "mkl-service":
		return "the wheels bring their own mathematics libraries.", true
	case "openssl", "ca-certificates", "sqlite", "libsqlite", "tk", "xz", "zlib", "libzlib", "readline", "ncurses",
		"libffi", "bzip2", "libexpat", "libuuid", "libnsl", "python_abi", "liblzma", "tzdata":
		return "", true // parts of Python itself, listed by `conda env export`
	}
	for _, prefix := range []string{"_libgcc", "_openmp", "libgcc", "libstdcxx", "libgomp", "ld_impl", "libgfortran", "__"} {
		if strings.HasPrefix(name, prefix) {
			return "", true
		}
	}
	return "", false
}

// systemPackage reports whether conda has name as a program or a library that
// is no Python package.
func systemPackage(name string) bool {
	switch name {
	case "gcc", "gxx", "gfortran", "clang", "compilers", "c-compiler", "cxx-compiler", "fortran-compiler", "make", "swig", "nasm",
		"openjdk", "java-jdk", "nodejs", "go", "rust", "perl", "ruby", "julia", "r", "r-base", "ffmpeg", "sox", "imagemagick", "git", "git-lfs",
		"curl", "wget", "unzip", "openmpi", "mpich", "libpng", "libjpeg-turbo", "geos", "gdal", "libgdal", "proj", "boost", "graphviz", "hdf5",
		"netcdf4-c", "eigen", "fftw", "gsl", "samtools", "bedtools", "blast", "tesseract", "poppler", "cuda", "cuda-nvcc", "tensorrt-libs":
		return true
	}
	return strings.HasPrefix(name, "r-") || strings.HasPrefix(name, "gcc_") || strings.HasPrefix(name, "gxx_") || strings.HasPrefix(name, "bioconductor-")
}
