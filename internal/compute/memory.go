package compute

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
)

var memoryForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|K|M|G|T)$`)

var memoryUnits = map[string]float64{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}

// ParseMemory reads an amount of memory as Kubernetes writes it: "512Mi", "4Gi".
// It returns 0 for "".
func ParseMemory(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	parts := memoryForm.FindStringSubmatch(text)
	var bytes float64
	if parts != nil {
		number, _ := strconv.ParseFloat(parts[1], 64)
		bytes = number * memoryUnits[parts[2]]
	}
	if bytes < 1<<20 || bytes > 1<<50 {
		return 0, atelier.Errorf(atelier.Invalid, "%q is not an amount of memory.", atelier.Clip(text, 40)).
			WithHint("Write a number with its unit, from 1Mi: \"512Mi\", \"4Gi\".")
	}
	return int64(math.Ceil(bytes)), nil
}

// FormatMemory writes an amount of memory for people.
func FormatMemory(bytes int64) string {
	for _, unit := range []string{"Ti", "Gi", "Mi"} {
		if size := memoryUnits[unit]; float64(bytes) >= size {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/size), ".0") + unit
		}
	}
	return fmt.Sprintf("%dKi", bytes>>10)
}
