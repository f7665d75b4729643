with offences as (
    select * from {{ ref('offence') }}
),

offence_groups as (
    select * from {{ ref('offence_group') }}
)

select
    offences.offence_code,
    offences.major_category,
    offences.minor_category,
    offences.scheme,
    offences.offence_group,
    offence_groups.offence_group_name,
    offences.is_bcs_comparator
from offences
left join offence_groups
    on offences.offence_group = offence_groups.offence_group
