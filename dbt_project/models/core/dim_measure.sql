select
    measure_code,
    measure_name,
    domain,
    definition,
    unit_of_measure,
    polarity,
    numerator_code,
    denominator_code,
    owner_unit_code,
    valid_from,
    valid_to
from {{ ref('measure') }}
