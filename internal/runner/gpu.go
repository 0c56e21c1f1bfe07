package runner

import (
	"strconv"
	"strings"
)

// visibleGPUs are the variables by which CUDA, ROCm and NVIDIA's containers
// know which of the machine's GPUs a command may use. They come after the
// user's own, so that a job cannot take what was given to another by mistake.
//
// ROCm reads two of them, one after the other: HIP counts anew what ROCr leaves,
// and would take CUDA's numbers for its own if it had none.
func visibleGPUs(indexes []int) []string {
	var words, anew []string
	for i, index := range indexes {
		words, anew = append(words, strconv.Itoa(index)), append(anew, strconv.Itoa(i))
	}
	list := strings.Join(words, ",")
	nvidia := list
	if nvidia == "" {
		nvidia = "void" // an empty one would be all of them
	}
	return []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES=" + list, "NVIDIA_VISIBLE_DEVICES=" + nvidia,
		"ROCR_VISIBLE_DEVICES=" + list, "HIP_VISIBLE_DEVICES=" + strings.Join(anew, ",")}
}
