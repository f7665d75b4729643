-- Recorded crime by month, area and group, with the comparisons that the board reads. Refused comparisons are null.
with covered as (
    select * from {{ ref('int_crime__covered_area') }}
),

refusals as (
    select * from {{ ref('int_crime__refusal') }}
),

months as (
    select * from {{ ref('dim_month') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

offences as (
    select * from {{ ref('dim_offence') }}
),

scheme_groups as (
    select distinct
        aliases.scheme,
        offences.offence_group
    from {{ ref('offence_alias') }} as aliases
    inner join offences
        on aliases.offence_code = offences.offence_code
),

group_counts as (
    select
        crime.return_code,
        crime.month,
        crime.area_code,
        offences.offence_group,
        {{ total('crime.offences') }} as offences
    from {{ ref('fct_recorded_crime') }} as crime
    inner join offences
        on crime.offence_code = offences.offence_code
    group by crime.return_code, crime.month, crime.area_code, offences.offence_group
),

-- Inside coverage absence is an answer: a zero.
counts as (
    select
        covered.return_code,
        covered.scheme,
        covered.month,
        covered.area_code,
        scheme_groups.offence_group,
        coalesce(group_counts.offences, 0) as offences,
        covered.as_at_on
    from covered
    inner join scheme_groups
        on covered.scheme = scheme_groups.scheme
    left join group_counts
        on
            covered.return_code = group_counts.return_code
            and covered.month = group_counts.month
            and covered.area_code = group_counts.area_code
            and scheme_groups.offence_group = group_counts.offence_group
),

-- Both windows count rows, and so are right only where no month is missing; elsewhere they are refused.
windows as (
    select
        counts.*,
        cast(sum(counts.offences) over (
            partition by counts.area_code, counts.offence_group, months.financial_year
            order by counts.month
            rows between unbounded preceding and current row
        ) as bigint) as year_to_date,
        cast(sum(counts.offences) over (
            partition by counts.area_code, counts.offence_group
            order by counts.month
            rows between 11 preceding and current row
        ) as bigint) as rolling_12
    from counts
    inner join months
        on counts.month = months.month
),

answered as (
    select
        this_year.return_code,
        this_year.scheme,
        this_year.month,
        this_year.area_code,
        this_year.offence_group,
        this_year.offences,
        case when refusals.comparison_refused_reason is null then last_year.offences end as offences_previous_year,
        refusals.comparison_refused_reason,
        case when refusals.year_to_date_refused_reason is null then this_year.year_to_date end as year_to_date,
        case when refusals.year_to_date_comparison_refused_reason is null then last_year.year_to_date end
            as year_to_date_previous,
        refusals.year_to_date_refused_reason,
        refusals.year_to_date_comparison_refused_reason,
        case when refusals.rolling_12_refused_reason is null then this_year.rolling_12 end as rolling_12,
        case when refusals.rolling_12_comparison_refused_reason is null then last_year.rolling_12 end
            as rolling_12_previous,
        refusals.rolling_12_refused_reason,
        refusals.rolling_12_comparison_refused_reason,
        this_year.as_at_on
    from windows as this_year
    inner join refusals
        on
            this_year.month = refusals.month
            and this_year.area_code = refusals.area_code
    left join windows as last_year
        on
            last_year.month = {{ add_months('this_year.month', -12) }}
            and this_year.area_code = last_year.area_code
            and this_year.offence_group = last_year.offence_group
)

select
    answered.return_code,
    answered.scheme,
    answered.month,
    answered.area_code,
    areas.area_name,
    answered.offence_group,
    answered.offences,
    answered.offences_previous_year,
    {{ change_pct('answered.offences', 'answered.offences_previous_year') }} as change_pct,
    answered.comparison_refused_reason,
    answered.year_to_date,
    answered.year_to_date_previous,
    {{ change_pct('answered.year_to_date', 'answered.year_to_date_previous') }} as year_to_date_change_pct,
    answered.year_to_date_refused_reason,
    answered.year_to_date_comparison_refused_reason,
    answered.rolling_12,
    answered.rolling_12_previous,
    {{ change_pct('answered.rolling_12', 'answered.rolling_12_previous') }} as rolling_12_change_pct,
    answered.rolling_12_refused_reason,
    answered.rolling_12_comparison_refused_reason,
    cast(null as double) as rate_per_1000,
    cast(null as double) as rate_denominator,
    answered.as_at_on
from answered
left join areas
    on answered.area_code = areas.area_code
