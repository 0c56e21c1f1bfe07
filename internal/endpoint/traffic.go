package endpoint

import (
	"maps"
	"slices"

	"github.com/atelier-ml/atelier"
)

// Traffic gives each deployment its share of the requests, in percent.
type Traffic map[string]int

func (t Traffic) total() int {
	sum := 0
	for _, share := range t {
		sum += share
	}
	return sum
}

// check returns an Invalid error unless the shares lie between 0 and 100, sum
// to 0 or 100, and belong to deployments that exist.
func (t Traffic) check(deployments []string) error {
	if err := t.checkShares("traffic", deployments); err != nil {
		return err
	}
	if sum := t.total(); sum != 0 && sum != 100 {
		return atelier.Errorf(atelier.Invalid, "The shares of the traffic sum to %d.", sum).At("traffic").
			WithHint("They must sum to 100, or to 0 to send no traffic at all.")
	}
	return nil
}

// maxMirror is the largest share of the requests that may be copied.
const maxMirror = 50

// checkMirror returns an Invalid error unless at most one deployment gets
// copies, of at most half of the requests, and no live traffic beside them.
func (t Traffic) checkMirror(deployments []string, live Traffic) error {
	if err := t.checkShares("mirror_traffic", deployments); err != nil {
		return err
	}
	used := 0
	for name, share := range t {
		if share == 0 {
			continue
		}
		used++
		switch {
		case used > 1:
			return atelier.Errorf(atelier.Invalid, "Only one deployment can get copies of the requests.").At("mirror_traffic")
		case share > maxMirror:
			return atelier.Errorf(atelier.Invalid, "%d percent of the requests cannot be copied.", share).
				At("mirror_traffic."+name).WithHint("At most %d percent can.", maxMirror)
		case live[name] > 0:
			return atelier.Errorf(atelier.Invalid, "The deployment %q gets live traffic, so it cannot get copies as well.", name).
				At("mirror_traffic." + name)
		}
	}
	return nil
}

func (t Traffic) checkShares(field string, deployments []string) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if share := t[name]; share < 0 || share > 100 {
			return atelier.Errorf(atelier.Invalid, "%d is not a share of the traffic.", share).
				At(field + "." + name).WithHint("Give a percentage from 0 to 100.")
		}
		if t[name] > 0 && !slices.Contains(deployments, name) {
			return atelier.Errorf(atelier.Invalid, "The endpoint has no deployment %q.", atelier.Clip(name, 60)).
				At(field + "." + name).WithHint("Create the deployment first.")
		}
	}
	return nil
}

// pick returns the deployment that point, a number from 0 to 99, falls to, and
// false when no traffic is given to any deployment.
func (t Traffic) pick(point int) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if point < t[name] {
			return name, true
		}
		point -= t[name]
	}
	return "", false
}

// without returns t with no share for the deployment.
func (t Traffic) without(deployment string) Traffic {
	rest := maps.Clone(t)
	delete(rest, deployment)
	return rest
}
