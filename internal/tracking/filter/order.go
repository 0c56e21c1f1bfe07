package filter

import (
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Order is one field to sort by.
type Order struct {
	Condition  // only Entity, Key and Kind
	Descending bool
	table      *Table // instead of the source's
}

const maxOrders = 8

// ParseOrder reads fields of the form "metrics.rmse DESC" in the given language.
func ParseOrder(fields []string, language Language) ([]Order, error) {
	var orders []Order
	for _, text := range fields {
		if len(text) > 1000 || strings.Contains(text, "\x00") {
			return nil, badOrder("The field to order by is too long or contains a NUL character.")
		}
		tokens, err := lex(text)
		if err != nil {
			return nil, err
		}
		p := &parser{tokens: tokens, language: language}
		name, err := p.name()
		if err != nil {
			return nil, badOrder("Invalid order_by clause %q.", atelier.Clip(text, 60))
		}
		order := Order{Condition: name}
		if p.accept("DESC") {
			order.Descending = true
		} else {
			p.accept("ASC")
		}
		if p.peek().kind != endToken {
			return nil, badOrder("Invalid order_by clause %q: write a name, then ASC or DESC.", atelier.Clip(text, 60))
		}
		if slices.ContainsFunc(orders, func(o Order) bool { return o.Entity == order.Entity && o.Key == order.Key }) {
			return nil, badOrder("`order_by` contains duplicate fields: %q.", atelier.Clip(text, 60))
		}
		orders = append(orders, order)
	}
	if len(orders) > maxOrders {
		return nil, badOrder("There are %d fields to order by; at most %d are read.", len(orders), maxOrders)
	}
	return orders, nil
}

func badOrder(format string, args ...any) error {
	return atelier.Errorf(atelier.Invalid, format, args...).At("order_by").
		WithHint("Write for example \"metrics.rmse ASC\" or \"start_time DESC\".")
}
