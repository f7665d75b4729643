select
    unit_code,
    unit_name,
    unit_type,
    parent_unit_code,
    business_group,
    family_group,
    area_code,
    valid_from,
    valid_to,
    valid_to is null as is_current
from {{ ref('unit') }}
