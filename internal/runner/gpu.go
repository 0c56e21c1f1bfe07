package runner

import (
	"strconv"
	"strings"
)

// visibleGPUs are the variables by which CUDA, ROCm and NVIDIA's containers
// know which of the machine's GPUs a command may use. They come after the
// user's own, so that a job cannot take what was given to another by mistake.
func visibleGPUs(indexes []int) []string {
	var words []string
	for _, index := range indexes {
		words = append(words, strconv.Itoa(index))
	}
	list := strings.Join(words, ",")
	nvidia := list
	if nvidia == "" {
		nvidia = "void" // an empty one would be all of them
	}
	return []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES=" + list, "NVIDIA_VISIBLE_DEVICES=" + nvidia, "ROCR_VISIBLE_DEVICES=" + list}
}
